"use strict";
// The script of a run's page. It only adds: all that it shows is in the page without it. Text reaches the page through
// textContent alone, so that nothing a program printed can become markup. No request is ever made.
(() => {
  const DATA = JSON.parse(document.getElementById("data").textContent);
  const SAY = DATA.words;
  const SEGMENTS = DATA.segments.map((row) => ({
    frame: row[0], time: row[1], connection: row[2], fromServer: row[3] === 1, flags: row[4], seq: row[5], ack: row[6],
    window: row[7], length: row[8], states: [DATA.states[row[9]], DATA.states[row[10]]], rawSeq: row[11], rawAck: row[12],
    src: DATA.ends[row[13]], dst: DATA.ends[row[14]], notes: DATA.notes.filter((_, bit) => row[15] & (1 << bit)), lost: Boolean(row[15] & (1 << DATA.lost)),
    changed: [row[16] & 1, row[16] & 2], opens: (row[16] & 4) !== 0, options: row[17], payload: row[18], carries: row[19],
  }));
  const FLAGS = [[2, "SYN"], [1, "FIN"], [4, "RST"], [16, "ACK"], [32, "URG"], [8, "PSH"], [64, "ECE"], [128, "CWR"]];
  const FIN = 1, SYN = 2, RST = 4, SHOWN_FLAGS = 5;
  const MAX_HEIGHT = 8e6; // pixels; browsers stop somewhere above that
  const BUFFER = 500; // pixels above and below what is seen that are drawn as well
  const STEPS = 1000; // of the slider
  const END = Math.max(DATA.end, 1);

  // --- elements

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function draw(tag, attributes = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  const seconds = (time, digits = 6) => (time / 1e9).toFixed(digits);
  const flagNames = (flags, count = SHOWN_FLAGS) =>
    FLAGS.slice(0, count).filter(([bit]) => flags & bit).map(([, name]) => name).join(",") || "none";

  const pen = document.createElement("canvas").getContext("2d");
  let family = "sans-serif"; // the page's, once it is known

  function width(text, size, weight) {
    pen.font = `${weight || 400} ${size}px ${family}`;
    return pen.measureText(text).width;
  }

  function fitted(text, room, size, weight) {
    if (text.length * size < room * 0.9 || width(text, size, weight) <= room) return text;
    let low = 0, high = Math.min(text.length, Math.ceil(room));
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (width(`${text.slice(0, middle)}…`, size, weight) <= room) low = middle;
      else high = middle - 1;
    }
    return `${text.slice(0, low)}…`;
  }

  function write(x, y, text, size, kind = "", anchor = "start") {
    const element = draw("text", { x, y, "font-size": size, "text-anchor": anchor, class: kind });
    element.textContent = text;
    return element;
  }

  // --- where everything is

  const ladder = document.getElementById("ladder");
  const head = draw("svg", { class: "head", "aria-hidden": "true" });
  const list = make("div", { class: "rungs", tabindex: "0", role: "listbox", "aria-label": SAY.ladder });
  const spacer = make("div", { class: "spacer" });
  const canvas = draw("svg", { class: "window" });
  const detail = make("div", { class: "detail", "aria-live": "polite" });
  list.append(spacer, canvas);
  ladder.append(head, list, detail);

  const state = {
    shown: SEGMENTS.map((_, index) => index), // of the connections that are chosen
    scaled: false, zoom: 0, now: END, playing: false, speed: 1, chosen: -1, hovered: -1,
  };
  let tops = new Float64Array(0); // where each shown rung begins, evenly spaced; one more for the end
  let columns = {};
  let drawn = { from: 0, to: -1 }; // pixels that are drawn
  const frames = new Map(SEGMENTS.map((segment, index) => [segment.frame, index]));
  const several = new Set(SEGMENTS.map((segment) => segment.connection)).size > 1;

  function measure() {
    list.classList.toggle("scaled", state.scaled);
    const wide = list.clientWidth || 600;
    const narrow = wide < 560;
    family = getComputedStyle(list).fontFamily;
    const name = several && !narrow ? 74 : 0;
    columns = narrow
      ? { wide, narrow, time: 42, frame: 42, name: 0, client: 119, left: 123, right: wide - 79, server: wide - 76, small: 9 }
      : { wide, narrow, time: 66, frame: 108, name: 116, client: 204 + name, left: 211 + name, right: wide - 106,
          server: wide - 99, small: 10.5 };
    tops = new Float64Array(state.shown.length + 1);
    let y = 4;
    state.shown.forEach((index, at) => {
      tops[at] = y;
      y += height(SEGMENTS[index]);
    });
    tops[state.shown.length] = y;
    const total = state.scaled ? scaledHeight() : y + 8;
    spacer.style.height = `${Math.ceil(total)}px`;
    drawHead();
  }

  const above = (segment) => (segment.opens ? 18 : 0) + (DATA.parted[segment.frame] ? 18 : 0);
  const height = (segment) => (columns.narrow && several ? 39 : 33) + above(segment) + 17 * segment.carries.length;
  const fitting = () => Math.max(60, list.clientHeight - 50);
  const scaledHeight = () => Math.min(MAX_HEIGHT, fitting() * 2 ** state.zoom) + 40;
  const place = (time) => 16 + (time / END) * (scaledHeight() - 40);
  const top = (at) => (state.scaled ? place(SEGMENTS[state.shown[at]].time) : tops[at]);

  function firstAt(y) { // the first shown rung that ends below y
    let low = 0, high = state.shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((state.scaled ? top(middle) + 30 : tops[middle + 1]) < y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // --- drawing

  function drawHead() {
    const { wide, time, client, left, right, server, narrow } = columns;
    head.setAttribute("viewBox", `0 0 ${wide} 22`);
    head.setAttribute("width", wide);
    head.setAttribute("height", 22);
    const parts = [
      write(left + 4, 15, SAY.client, 12, "strong"), write(right - 4, 15, SAY.server, 12, "strong", "end"),
      write(client, 15, SAY.state, 11, "soft", "end"), write(server, 15, SAY.state, 11, "soft"),
    ];
    if (narrow) parts.push(write(2, 15, "s", 11, "soft"));
    else parts.push(write(time, 15, `${SAY.time}/s`, 11, "soft", "end"), write(columns.frame, 15, SAY.frame, 11, "soft", "end"));
    head.replaceChildren(...parts);
  }

  function render(force = false) {
    const from = list.scrollTop, to = from + list.clientHeight;
    if (!force && drawn.from <= from && drawn.to >= Math.min(to, spacer.clientHeight)) return;
    const start = Math.max(0, from - BUFFER), stop = Math.min(to + BUFFER, parseFloat(spacer.style.height) || 0);
    drawn = { from: start, to: stop };
    const size = Math.max(1, stop - start);
    canvas.setAttribute("viewBox", `0 ${start} ${columns.wide} ${size}`);
    canvas.setAttribute("width", columns.wide);
    canvas.setAttribute("height", size);
    canvas.style.top = `${start}px`;
    const parts = [
      draw("line", { x1: columns.left, x2: columns.left, y1: start, y2: stop, class: "rail" }),
      draw("line", { x1: columns.right, x2: columns.right, y1: start, y2: stop, class: "rail" }),
    ];
    if (state.scaled) parts.push(...ruler(start, stop));
    const room = { label: -99, client: -99, server: -99, arrows: [-9, -9], turns: [-9, -9], labels: [], place: -9, signs: [] };
    for (let at = firstAt(start); at < state.shown.length && top(at) <= stop; at++) {
      const rung = state.scaled ? scaledRung(at, room) : evenRung(at);
      if (rung) parts.push(rung);
    }
    canvas.replaceChildren(...parts, ...room.labels, ...room.signs.map(drawSign), draw("line", { id: "now", class: "now" }));
    shade();
  }

  function group(at) {
    const index = state.shown[at], segment = SEGMENTS[index];
    const spoken = [
      `${SAY.frame} ${segment.frame}`, `${seconds(segment.time)} s`, `${segment.src} → ${segment.dst}`, numbers(segment),
      ...segment.notes, ...segment.carries.map(([, text]) => text), segment.states.join(" / "),
    ].join(", ");
    const marked = (DATA.marks[segment.frame] || []).map(([code]) => code).join(" ");
    return draw("g", {
      class: `rung${index === state.chosen ? " chosen" : ""}`, id: `rung-${index}`, role: "option", "data-index": index,
      "data-frame": segment.frame, "aria-selected": index === state.chosen, "aria-label": `${spoken} ${marked}`,
    });
  }

  const clientOf = (segment) => (segment.fromServer ? segment.dst : segment.src).split(" ")[0];

  function numbers(segment, withFlags = true) {
    const said = withFlags ? [flagNames(segment.flags)] : [];
    said.push(`seq=${segment.seq}`);
    if (segment.ack >= 0) said.push(`ack=${segment.ack}`);
    if (segment.length) said.push(`len=${segment.length}`);
    return said.join(" ");
  }

  function arrow(segment, y, slant) {
    const { left, right } = columns;
    const kind = segment.flags & RST ? "rst" : segment.flags & SYN ? "syn" : segment.flags & FIN ? "fin"
      : segment.length ? "data" : "bare";
    const [x1, x2, ahead] = segment.fromServer ? [right, left, -1] : [left, right, 1];
    if (segment.lost) {
      const end = slant ? x1 + (x2 - x1) * 0.7 : x2 - 16 * ahead; // to scale, a label covers all but the ends
      return [
        draw("line", { x1, y1: y, x2: end, y2: y + slant * 0.7, class: `arrow ${kind}` }),
        draw("path", { d: `M${end - 5} ${y + slant * 0.7 - 5}l10 10m0 -10l-10 10`, class: "arrow rst" }),
      ];
    }
    const parts = [
      draw("line", { x1, y1: y, x2: x2 - 7 * ahead, y2: y + slant, class: `arrow ${kind}` }),
      draw("path", { d: `M${x2} ${y + slant}l${-9 * ahead} -4.6v9.2Z`, class: `tip ${kind}` }),
    ];
    const x = x2 - 19 * ahead;
    if (kind === "rst") parts.push(draw("path", { d: `M${x - 5} ${y + slant - 5}l10 10m0 -10l-10 10`, class: "arrow rst" }));
    if (kind === "fin") parts.push(draw("line", { x1: x, x2: x, y1: y + slant - 6, y2: y + slant + 6, class: "arrow fin" }));
    return parts;
  }

  function label(segment, y, margin = 20) {
    const { left, right, narrow } = columns, size = narrow ? 10.5 : 12;
    const marks = [...new Set((DATA.marks[segment.frame] || []).map(([code]) => code))].join(" ");
    const notes = segment.notes.length ? `(${segment.notes.join(", ")})` : "";
    const room = right - left - margin, element = draw("text", { x: (left + right) / 2, y, "font-size": size, "text-anchor": "middle" });
    let used = 0;
    const said = [[flagNames(segment.flags), "flags"], [numbers(segment, false), "numbers"], [notes, "note"]];
    said.splice(narrow ? 1 : 2, 0, [marks, "mark"]);
    for (const [text, kind] of said) {
      const shown = text && room - used > 20 ? fitted(text, room - used, size, kind === "numbers" ? 400 : 700) : "";
      if (!shown) continue;
      const span = draw("tspan", used ? { class: kind, dx: 6 } : { class: kind });
      span.textContent = shown;
      element.append(span);
      used += width(shown, size, 700) + 6;
    }
    return element;
  }

  function evenRung(at) {
    const segment = SEGMENTS[state.shown[at]], rung = group(at), { left, right, narrow, small, wide } = columns;
    let y = tops[at];
    rung.append(draw("rect", { x: 0, y, width: wide, height: height(segment) - 1, class: "back" }));
    if (segment.opens) {
      const ends = `${segment.src} → ${segment.dst}`;
      rung.append(write((left + right) / 2, y + 13, fitted(ends, right - left - 8, 10), 10, "soft", "middle"));
      y += 18;
    }
    if (DATA.parted[segment.frame]) {
      const [text, behind] = DATA.parted[segment.frame];
      const line = behind ? tops[at] + height(segment) - 18 : y;
      rung.append(draw("rect", { x: left + 2, y: line + 1, width: right - left - 4, height: 16, class: "parted" }));
      rung.append(write((left + right) / 2, line + 13, fitted(text, right - left - 14, 11, 700), 11, "parted", "middle"));
      if (!behind) y += 18;
    }
    const base = y + 20;
    if (narrow) {
      rung.append(write(columns.time, y + 12, `#${segment.frame}`, 10, "soft", "end"));
      if (several) rung.append(write(columns.time, y + 33, fitted(clientOf(segment), 40, 9), 9, "soft", "end"));
      rung.append(write(columns.time, y + 23, seconds(segment.time, segment.time < 1e10 ? 4 : 2), 10, "", "end"));
    } else {
      rung.append(write(columns.time, base, seconds(segment.time), 11, "", "end"));
      rung.append(write(columns.frame, base, segment.frame, 11, "", "end"));
      if (several) rung.append(write(columns.name, base, fitted(clientOf(segment), 70, 11), 11, "soft"));
    }
    rung.append(write(columns.client, base, segment.states[0], small, segment.changed[0] ? "strong" : "soft", "end"));
    rung.append(write(columns.server, base, segment.states[1], small, segment.changed[1] ? "strong" : "soft"));
    rung.append(label(segment, y + 14), ...arrow(segment, y + 20, 5));
    segment.carries.forEach(([kind, text], line) => {
      const sign = { asks: "♥ ", answers: "♡ ", message: "✉ " }[kind] || "";
      const shown = fitted(sign + text, right - left - 40, narrow ? 11 : 12);
      const [x, anchor] = segment.fromServer ? [right - 16, "end"] : [left + 16, "start"];
      rung.append(write(x, y + 40 + 17 * line, shown, narrow ? 11 : 12, `carries ${kind}`, anchor));
    });
    return rung;
  }

  // To scale, many segments may fall on one pixel: of those one is drawn each way, and what opens or closes besides.
  // What has room is labelled, above all arrows; on the left stands how many more there are at a place.
  function scaledRung(at, room) {
    const index = state.shown[at], segment = SEGMENTS[index], y = top(at), side = segment.fromServer ? 1 : 0;
    const lately = segment.flags & (SYN | FIN | RST) ? room.turns : room.arrows;
    if (y - room.place < 2) count(y, room.signs);
    else room.place = y;
    if (y - lately[side] < 2 && index !== state.chosen) return null;
    lately[side] = y;
    const rung = group(at), { left, right } = columns;
    rung.append(draw("rect", { x: left, y: y - 3, width: right - left, height: 7, class: "back" }), ...arrow(segment, y, 0));
    if (y - room.label >= 16) {
      const said = label(segment, y + 4, 60), tag = draw("g", { class: "tag", "data-index": index });
      const half = Math.min(right - left - 60, width(said.textContent, columns.narrow ? 10.5 : 12, 700) + 20) / 2;
      tag.append(draw("rect", { x: (left + right) / 2 - half, y: y - 7, width: 2 * half, height: 14, class: "paperback" }), said);
      room.labels.push(tag);
      room.label = y;
      if (!columns.narrow) rung.append(write(columns.frame - 10, y + 4, segment.frame, 11, "", "end"));
    }
    for (const [which, key] of [[0, "client"], [1, "server"]]) {
      if (!segment.changed[which] || y - room[key] < 12) continue;
      rung.append(write(columns[key], y + 4, segment.states[which], columns.small, "strong", which ? "start" : "end"));
      room[key] = y;
    }
    return rung;
  }

  function count(y, signs) {
    const sign = signs[signs.length - 1];
    if (sign && y - sign.y < 12) sign.more += 1;
    else signs.push({ y, more: 1 });
  }

  function drawSign({ y, more }) {
    const [x, base] = columns.narrow ? [columns.left + 4, y - 2] : [columns.frame - 7, y + 4];
    const element = write(x, base, `+${more}`, 9, "merged");
    const said = draw("title");
    said.textContent = SAY.merged.replace("{count}", more);
    element.append(said);
    return element;
  }

  function ruler(start, stop) {
    const perPixel = END / (scaledHeight() - 40), parts = [];
    let step = 10 ** Math.ceil(Math.log10(perPixel * 40));
    for (const part of [5, 2]) if (step / part >= perPixel * 40) { step /= part; break; }
    const digits = Math.max(0, Math.min(9, 9 - Math.floor(Math.log10(step))));
    for (let tick = Math.max(0, Math.floor(((start - 16) * perPixel) / step)) * step; place(tick) <= stop && tick <= END; tick += step) {
      parts.push(draw("line", { x1: columns.left - 5, x2: columns.right, y1: place(tick), y2: place(tick), class: "tick" }));
      parts.push(write(columns.time, place(tick) + 4, seconds(tick, digits), columns.narrow ? 10 : 11, "soft", "end"));
    }
    return parts;
  }

  // --- the clock

  const screens = [...document.querySelectorAll("pre.screen")].map((element, number) => ({
    element, pieces: DATA.screens[number] || [], shown: -1,
  }));
  const events = [...document.querySelectorAll("table.events tbody tr")];

  function countUntil(items, now, timeOf) {
    let low = 0, high = items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (timeOf(items[middle]) <= now) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function shade() {
    for (const rung of canvas.querySelectorAll(".rung, .tag")) {
      rung.classList.toggle("future", SEGMENTS[rung.dataset.index].time > state.now);
    }
    const next = countUntil(state.shown, state.now, (index) => SEGMENTS[index].time);
    const y = state.scaled ? place(state.now) : tops[next];
    const line = canvas.querySelector("#now");
    if (!line) return;
    for (const [name, value] of Object.entries({ x1: 0, x2: columns.wide, y1: y, y2: y })) line.setAttribute(name, value);
    if (state.playing && (y < list.scrollTop || y > list.scrollTop + list.clientHeight - 60)) {
      list.scrollTop = y - list.clientHeight / 2;
    }
  }

  function setClock(now) {
    state.now = Math.max(0, Math.min(END, now));
    for (const screen of screens) {
      const count = countUntil(screen.pieces, state.now, (piece) => piece[0]);
      if (count === screen.shown) continue;
      screen.element.textContent = screen.pieces.slice(0, count).map((piece) => piece[1]).join("");
      screen.shown = count;
      screen.element.scrollTop = screen.element.scrollHeight;
    }
    events.forEach((row, number) => row.classList.toggle("future", DATA.events[number] > state.now));
    slider.value = Math.round((state.now / END) * STEPS);
    slider.setAttribute("aria-valuetext", `${seconds(state.now, 3)} s`);
    moment.textContent = `${seconds(state.now, 3)} / ${seconds(END, 3)} s`;
    shade();
  }

  let last = 0;
  function tick(stamp) {
    if (!state.playing) return;
    setClock(state.now + (stamp - last) * 1e6 * state.speed);
    last = stamp;
    if (state.now >= END) play(false);
    else requestAnimationFrame(tick);
  }

  function play(on) {
    state.playing = on;
    playing.textContent = on ? `❚❚ ${SAY.pause}` : `▶ ${SAY.play}`;
    playing.setAttribute("aria-pressed", on);
    if (!on) return;
    if (state.now >= END) setClock(0);
    last = performance.now();
    requestAnimationFrame(tick);
  }

  // The clock goes to the segment before or after on the clock; several may share a moment.
  function step(ahead) {
    play(false);
    const times = state.shown.map((index) => SEGMENTS[index].time);
    const next = ahead > 0 ? times.find((time) => time > state.now) : times.findLast((time) => time < state.now);
    setClock(next === undefined ? (ahead > 0 ? END : 0) : next);
    const at = countUntil(times, state.now, (time) => time) - 1;
    if (at >= 0) choose(state.shown[at]);
  }

  // --- one segment

  function choose(index, reveal = true) {
    state.chosen = index;
    const at = state.shown.indexOf(index);
    if (reveal && at >= 0) {
      const y = top(at), tall = state.scaled ? 30 : height(SEGMENTS[index]);
      if (y < list.scrollTop) list.scrollTop = y - (state.scaled ? 30 : 4);
      else if (y + tall > list.scrollTop + list.clientHeight) list.scrollTop = y + tall - list.clientHeight + 4;
    }
    render(true);
    list.setAttribute("aria-activedescendant", `rung-${index}`);
    show(index);
  }

  function dump(payload) {
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0)), lines = [];
    for (let at = 0; at < bytes.length; at += 16) {
      const row = [...bytes.slice(at, at + 16)];
      const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ").padEnd(47);
      const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
      lines.push(`${at.toString(16).padStart(4, "0")}  ${hex}  ${text}`);
    }
    return { text: lines.join("\n"), count: bytes.length };
  }

  function show(index) {
    if (index < 0) {
      detail.replaceChildren(make("p", { class: "soft" }, SAY.choose));
      return;
    }
    const segment = SEGMENTS[index], before = SEGMENTS[index - 1];
    const fields = [
      [SAY.time, `${seconds(segment.time)} s${before ? ` (+${seconds(segment.time - before.time)} s ${SAY.since})` : ""}`],
      [SAY.way, `${segment.src} → ${segment.dst}`],
      [SAY.flags, flagNames(segment.flags, FLAGS.length)],
      [SAY.seq, `${segment.rawSeq} (${SAY.relative}: ${segment.seq})`],
      [SAY.ack, segment.ack < 0 ? "–" : `${segment.rawAck} (${SAY.relative}: ${segment.ack})`],
      [SAY.window, segment.window], [SAY.length, `${segment.length} ${SAY.bytes}`], [SAY.options, segment.options],
      [SAY.states, `${SAY.client} ${segment.states[0]}, ${SAY.server} ${segment.states[1]}`],
      [SAY.notes, segment.notes.join(", ")], [SAY.carries, segment.carries.map(([, text]) => text).join("\n")],
    ].filter(([, value]) => value !== "");
    const here = make("button", { type: "button" }, SAY.here);
    here.addEventListener("click", () => { play(false); setClock(segment.time); });
    const links = (DATA.marks[segment.frame] || []).flatMap(([code, id]) => [" ", make("a", { href: `#${id}`, class: "badge" }, code)]);
    const parts = [
      make("p", { class: "title" }, make("strong", {}, `${SAY.frame} ${segment.frame}`), ...links, " ", here),
      make("dl", {}, ...fields.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value))))),
    ];
    if (DATA.parted[segment.frame]) parts.splice(1, 0, make("p", { class: "parted" }, DATA.parted[segment.frame][0]));
    if (segment.payload) {
      const { text, count } = dump(segment.payload);
      parts.push(make("pre", { class: "dump", tabindex: "0" }, text));
      if (count < segment.length) parts.push(make("p", { class: "soft" }, SAY.missing.replace("{count}", segment.length - count)));
    }
    detail.replaceChildren(...parts);
  }

  // --- controls

  const playing = make("button", { type: "button", class: "play" });
  const slider = make("input", { type: "range", min: "0", max: STEPS, step: "1", "aria-label": SAY.clock });
  const moment = make("output", {});
  const speed = options(SAY.speed, [0.05, 0.1, 0.25, 0.5, 1, 2, 5].map((value) => [value, `${value}×`]), 1);
  const spacing = options(SAY.spacing, [["even", SAY.even], ["scaled", SAY.scaled]], "even");
  const closer = make("button", { type: "button", "aria-label": SAY.closer, title: SAY.closer }, "+");
  const wider = make("button", { type: "button", "aria-label": SAY.wider, title: SAY.wider }, "−");

  function options(name, values, chosen) {
    const select = make("select", {}, ...values.map(([value, text]) => make("option", { value }, text)));
    select.value = String(chosen);
    return { select, label: make("label", {}, `${name} `, select) };
  }

  function relayout(change) {
    const middle = list.scrollTop + list.clientHeight / 2;
    const at = Math.min(state.shown.length - 1, firstAt(middle));
    const index = state.chosen >= 0 ? state.chosen : state.shown[at];
    const time = index === undefined ? 0 : SEGMENTS[index].time;
    change();
    measure();
    const next = countUntil(state.shown, time, (index) => SEGMENTS[index].time);
    list.scrollTop = (state.scaled ? place(time) : tops[next]) - list.clientHeight / 2;
    closer.disabled = !state.scaled || scaledHeight() > MAX_HEIGHT;
    wider.disabled = !state.scaled || state.zoom === 0;
    render(true);
  }

  function connect() {
    const controls = document.getElementById("controls");
    controls.append(playing, slider, moment, speed.label, spacing.label, make("span", { class: "zoom" }, wider, closer));
    if (several) {
      const named = new Map();
      for (const segment of SEGMENTS) {
        if (!named.has(segment.connection)) named.set(segment.connection, segment.fromServer ? segment.dst : segment.src);
      }
      const connections = options(SAY.connections, [["all", SAY.all], ...[...named].slice(0, 200)], "all");
      connections.select.addEventListener("change", () => relayout(() => {
        const wanted = connections.select.value;
        state.shown = [...SEGMENTS.keys()].filter((index) => wanted === "all" || SEGMENTS[index].connection === Number(wanted));
      }));
      controls.append(connections.label);
    }
    playing.addEventListener("click", () => play(!state.playing));
    slider.addEventListener("input", () => { play(false); setClock((slider.value / STEPS) * END); });
    speed.select.addEventListener("change", () => { state.speed = Number(speed.select.value); });
    spacing.select.addEventListener("change", () => relayout(() => { state.scaled = spacing.select.value === "scaled"; }));
    closer.addEventListener("click", () => relayout(() => { state.zoom += 1; }));
    wider.addEventListener("click", () => relayout(() => { state.zoom = Math.max(0, state.zoom - 1); }));
  }

  const under = (event) => event.target.closest && event.target.closest(".rung, .tag");

  function listen() {
    list.addEventListener("scroll", () => render());
    list.addEventListener("click", (event) => { if (under(event)) choose(Number(under(event).dataset.index), false); });
    let pointer = "";
    list.addEventListener("mousemove", (event) => {
      const where = `${event.screenX} ${event.screenY}`;
      if (where === pointer) return; // what is under it has moved, not the pointer
      pointer = where;
      const index = under(event) ? Number(under(event).dataset.index) : -1;
      if (index === state.hovered) return;
      state.hovered = index;
      show(index >= 0 ? index : state.chosen);
    });
    list.addEventListener("mouseleave", () => { state.hovered = -1; show(state.chosen); });
    list.addEventListener("focus", () => { if (state.chosen < 0 && state.shown.length && list.matches(":focus-visible")) choose(state.shown[firstAt(list.scrollTop + 1)] ?? state.shown[0]); });
    list.addEventListener("keydown", (event) => {
      const at = state.shown.indexOf(state.chosen), page = Math.max(1, Math.floor(list.clientHeight / 50));
      const moves = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity };
      if (event.key in moves && state.shown.length) {
        const next = Math.max(0, Math.min(state.shown.length - 1, at + moves[event.key]));
        choose(state.shown[next]);
      } else if (event.key === "Enter" && state.chosen >= 0) {
        play(false);
        setClock(SEGMENTS[state.chosen].time);
      } else return;
      event.preventDefault();
    });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
      if (event.key === " " && !event.target.closest("button, summary, a")) play(!state.playing);
      else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && !event.target.closest("pre, .wide")) step(event.key === "ArrowRight" ? 1 : -1);
      else return;
      event.preventDefault();
    });
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link) return;
      if (link.dataset.frame && frames.has(Number(link.dataset.frame))) {
        event.preventDefault();
        const index = frames.get(Number(link.dataset.frame));
        if (!state.shown.includes(index)) showAll();
        list.focus({ preventScroll: true });
        choose(index);
        ladder.scrollIntoView({ block: "start" });
        return;
      }
      const target = document.getElementById((link.getAttribute("href") || "").slice(1));
      for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
      const folded = target && target.querySelector(":scope > details");
      if (folded) folded.open = true;
      if (target && target.hasAttribute("tabindex")) { event.preventDefault(); target.focus(); target.scrollIntoView({ block: "center" }); }
    });
    new ResizeObserver(() => { measure(); render(true); }).observe(list);
  }

  function showAll() {
    const chosen = document.querySelectorAll("#controls select")[2];
    chosen.value = "all";
    chosen.dispatchEvent(new Event("change"));
  }

  document.body.classList.add("scripted");
  for (const part of document.querySelectorAll("details.part")) part.open = false;
  connect();
  measure();
  render(true);
  show(-1);
  play(false);
  setClock(END);
  listen();
  relayout(() => {});
  list.scrollTop = 0;
})();
