'use strict';

// Cuts a byte stream into lines, wherever its chunks begin and end.

const LONGEST_LINE = 4096;

/** A handler for 'data' events that calls onLine with each complete line, without its line end. */
function splitLines(onLine) {
  let pending = Buffer.alloc(0);
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (let end; (end = pending.indexOf(0x0a)) >= 0; pending = pending.subarray(end + 1)) {
      if (end < LONGEST_LINE) onLine(pending.subarray(0, end).toString('utf8').replace(/\r$/, ''));
    }
  };
}

/** The bytes of a line, or null if the protocol does not allow one that long. */
function encodeLine(text) {
  const bytes = Buffer.from(`${text}\n`, 'utf8');
  return bytes.length <= LONGEST_LINE ? bytes : null;
}

module.exports = { splitLines, encodeLine };
