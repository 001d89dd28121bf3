"""Rules for what waits at the keyboard: answers that come only after Enter (WL351), a program that goes on after /quit (WL662).

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.causes_heartbeat import Case, case_of, leaves
from wirelab.judge.chains import chain_of, last_seen, told
from wirelab.judge.clues import AT_ONCE, MS, NOWHERE, calls_on, framed, listed, other, place
from wirelab.judge.findings import cause
from wirelab.judge.verdict import Finding, Said
from wirelab.judge.view import QUIT_LINE, View
from wirelab.observe.evidence import Called
from wirelab.observe.heartbeats import Exchange
from wirelab.observe.messages import Message

APART = 50 * MS  # delays that differ by more have no delay in common
LEAVES_BY = 1000 * MS  # who was told to end has begun to close by then
LOOPED = 16  # calls from one line: of more, not each is recorded

_HELD = Text(
    "{actor} can answer only after Enter is pressed at its keyboard: {seen}",
    "{actor} 只有在键盘上按下回车之后才能应答：{seen}",
)
_NEVER = Text(
    "{actor} does not look at the connection while it reads the keyboard: {seen}",
    "{actor} 读键盘时没有人看连接：{seen}",
)
_LOCK = Text(
    "Does the thread that reads the keyboard hold a lock meanwhile, which the one that answers needs? Call input() before "
    "you take the lock: a lock guards what threads share, not a wait.",
    "读键盘的线程是不是一直拿着应答线程需要的锁？请先调用 input()，再加锁：锁保护的是线程共享的东西，不应在持有锁时等待。",
)


def only_after_enter(view: View, finding: Finding) -> Finding | None:
    """Answers came only within moments of an Enter typed at that client's keyboard, however long the heartbeat had
    waited; or the witnesses saw that nothing was received until Enter, or the only thread read the keyboard."""
    case = case_of(view, finding)
    if case is None:
        return None
    released = _released(view, case)
    held = _sent_after(view, case) if released or case.exchange.answer is None else None
    if held is not None:
        seen, frames = held
        entry = cause("WL351", case.client, frames=frames, actor=case.client, seen=seen)
        return replace(entry, rationale=replace(entry.rationale, text=_HELD), hint=Said(_LOCK))
    found = released or _kept_away(view, case) or _reading(view, case)
    if found is None:
        return None
    seen, frames = found
    entry = cause("WL351", case.client, frames=frames, actor=case.client, seen=seen)
    if released is None and not calls_on(view, case.client, case.connection, "client", "recv"):
        return replace(entry, rationale=replace(entry.rationale, text=_NEVER))
    return entry


def _released(view: View, case: Case) -> tuple[Bilingual, tuple[int, ...]] | None:
    """All answers came at once after an Enter, and had in common nothing but this."""
    # What leaves when it is told to quit may as well have been written long before, into a buffer of the program's.
    enters = [time for time, line in view.typed_lines(case.client) if f"{line}⏎" != QUIT_LINE]
    mine = case.exchange.answer
    if mine is None and any(case.question.time < time < leaves(view, case) for time in enters):
        return None  # it was not answered after the next Enter either
    groups: dict[int, list[Exchange]] = {}
    for exchange in case.pairing.exchanges:
        answer = exchange.answer
        if answer is not None:
            enter = max((time for time in enters if time <= answer.time), default=0)
            if not enter or answer.time - enter > AT_ONCE or exchange.question.time > enter:
                return None
            groups.setdefault(enter, []).append(exchange)
    together = [exchange for group in groups.values() for exchange in group]
    delays = [exchange.delay_ns or 0 for exchange in together]
    if len(together) < 2 or max(delays) - min(delays) < APART:
        return None
    enter, group = max(groups.items(), key=lambda item: len(item[1]))
    frames = tuple(sorted({exchange.answer.frames[-1] for exchange in group if exchange.answer}))
    asked = tuple(exchange.question.frames[-1] for exchange in group)
    last = max(exchange.answer.time for exchange in group if exchange.answer)
    texts, time, took = listed([item.question.text for item in group]), view.seconds(enter), (last - enter) / MS
    first = view.seconds(group[0].question.time)
    return Bilingual(
        f"{texts} had been waiting since {first} s ({framed(asked).en}), and {len(group)} answers left at once, within "
        f"{took:.0f} ms of the Enter at {time} s ({framed(frames).en}); no answer ever came without an Enter",
        f"{texts} 从 {first} 秒起就在等待（{framed(asked).zh}），{time} 秒按下回车后 {took:.0f} 毫秒内，"
        f"{len(group)} 个应答一起发出（{framed(frames).zh}）；没有按回车时从未应答",
    ), (*asked, *frames)


def _kept_away(view: View, case: Case) -> tuple[Bilingual, tuple[int, ...]] | None:
    """The only thread that ever receives (or none does, and bytes lay unread at the end) was not in recv() when the
    heartbeat came, and called nothing on the connection until the next line from the keyboard, at once then."""
    asked, answer = case.question, case.exchange.answer
    calls = calls_on(view, case.client, case.connection, "client")
    receivers = {call.thread for call in calls if call.call == "recv"}
    following = [call for call in calls if call.time > asked.time and call.thread in (receivers or {call.thread})]
    unread = _unread(view, case, calls)
    if len(receivers) > 1 or not following or not (receivers or unread.en):
        return None
    first = following[0]
    before = [call for call in calls if call.thread == first.thread and call.time <= asked.time]
    typed = [time for time, _ in view.typed_lines(case.client)]
    woken = [time for time in typed if time > asked.time]
    known = all(call.count < LOOPED for call in (*before, first))
    if not known or (before and before[-1].call == "recv") or not woken or woken[0] < asked.time + AT_ONCE:
        return None
    if not woken[0] <= first.time <= woken[0] + AT_ONCE:
        return None
    if answer is not None and not first.time <= answer.time <= woken[0] + AT_ONCE:
        return None
    came, frame, thread = view.seconds(asked.time), asked.frames[-1], first.thread
    where, time, enter = place(first.line), view.seconds(first.time), view.seconds(woken[0])
    nobody = Bilingual(
        f"recv() was never called{unread.en}; {thread} did nothing on the connection",
        f"从来没有调用过 recv(){unread.zh}；{thread}",
    )
    if receivers:
        nobody = Bilingual(
            f"{thread}, the only thread that calls recv(), did nothing on the connection",
            f"唯一调用 recv() 的线程 {thread}",
        )
    return Bilingual(
        f"{asked.text} was there from {came} s on (frame {frame}), but {nobody.en} before {time} s, when it called "
        f"{first.call}() at {where}, right after the Enter at {enter} s",
        f"{asked.text} 在 {came} 秒就已到达（第 {frame} 帧），但{nobody.zh} 直到 {time} 秒才动这个连接，在 {where} 调用了 "
        f"{first.call}()，正好在 {enter} 秒按下回车之后",
    ), asked.frames


def _unread(view: View, case: Case, calls: Sequence[Called]) -> Bilingual:
    """That bytes lay unread when the client closed its socket, or ended, as an aside; empty when nothing shows it."""
    left = next((call.unread for call in calls if call.call == "close" and call.unread), None)
    if left is not None:
        return Bilingual(f", and {left} bytes lay unread at close()", f"，close() 时还有 {left} 字节没有读")
    resets = [noted for noted in case.connection.teardown.resets if noted.sender == "client"]
    if resets and case.connection.fin("client") is None and view.own_doing(case.client, resets[0].segment.time):
        frame = resets[0].segment.frame
        return Bilingual(
            f", and the RST in frame {frame} says that bytes lay unread at the end",
            f"，第 {frame} 帧的 RST 表明最后还有数据没读",
        )
    return NOWHERE


def _sent_after(view: View, case: Case) -> tuple[Bilingual, tuple[int, ...]] | None:
    """The thread that was receiving when the heartbeats came called nothing more until the next Enter, and sent then:
    something that the keyboard's reader had, such as a lock, held it."""
    asked = case.question
    calls = calls_on(view, case.client, case.connection, "client", "recv", "send")
    waiting = [call for call in calls if call.call == "recv" and call.time <= asked.time]
    enters = [time for time, _ in view.typed_lines(case.client) if time > asked.time + 2 * AT_ONCE]
    if not enters or not waiting:
        return None
    receiver = waiting[-1].thread
    mine = [call for call in calls if call.thread == receiver]
    last, following = [call for call in mine if call.time <= asked.time][-1], [x for x in mine if x.time > asked.time]
    if last.call != "recv" or not following or following[0].call != "send":
        return None
    enter = max((time for time in enters if time <= following[0].time), default=0)
    if not enter or following[0].time - enter > AT_ONCE:
        return None
    if case.exchange.answer is not None and case.exchange.answer.time < following[0].time:
        return None
    received = (item.question for item in case.pairing.exchanges)
    asked = next(question for question in received if question.time >= last.time)  # the one that it did not get past
    came, frame = view.seconds(asked.time), asked.frames[-1]
    where, time, pressed = place(following[0].line), view.seconds(following[0].time), view.seconds(enter)
    return Bilingual(
        f"{receiver} was in recv() when {asked.text} came at {came} s (frame {frame}), but it called send() only at "
        f"{time} s, at {where}, right after the Enter at {pressed} s",
        f"{asked.text} 在 {came} 秒到达（第 {frame} 帧）时 {receiver} 正在 recv()，但直到 {time} 秒它才在 {where} 调用 "
        f"send()，正好在 {pressed} 秒按下回车之后",
    ), asked.frames


def _reading(view: View, case: Case) -> tuple[Bilingual, tuple[int, ...]] | None:
    """The program's only thread was seen reading the keyboard while the heartbeat waited; and it had never answered
    anything, not even wrongly: then a thread that answers may have been, and have ended when the other side closed."""
    pairing = case.pairing
    if pairing.unsolicited or pairing.repeated or any(each.answer is not None for each in pairing.exchanges):
        return None
    for seen in view.witnessed(case.client):
        if seen.time >= case.question.time and len(seen.threads) == 1 and seen.threads[0].doing == "keyboard":
            thread, time = seen.threads[0], view.seconds(seen.time)
            line = next(iter(thread.stack), None)
            at = f" ({place(line)})" if line else ""
            return Bilingual(
                f"its only thread, {thread.name}, was reading the keyboard{at} at {time} s",
                f"{time} 秒时它唯一的线程 {thread.name} 正在读键盘{at}",
            ), case.question.frames
    return None


# --- WL662


def quit_unheeded(view: View, finding: Finding) -> Finding | None:
    """/quit was read, as the program waits for the keyboard's next line, and it has not begun to close anything; or it
    sent the word as a message, asked for the next line, and had not closed when the other side did."""
    actor = _who_quits(view, finding)
    asked = next((time for time, line in view.typed_lines(actor or "") if f"{line}⏎" == QUIT_LINE), None)
    if actor is None or asked is None:
        return None
    frames = tuple(message.frames[-1] for message in _sent_as_messages(view, actor, asked))[:1]
    sent = NOWHERE
    if frames:
        sent = Bilingual(
            f"; it even sent it as a message (frame {frames[0]})", f"，还把它当成消息发了出去（第 {frames[0]} 帧）"
        )
    seen = _at_the_keyboard(view, actor, asked)
    if seen is None and frames:
        seen = _not_closed(view, actor, asked)
    if seen is None:
        return None
    return cause("WL662", actor, frames=frames, actor=actor, time=view.seconds(asked), sent=sent, seen=seen)


def _who_quits(view: View, finding: Finding) -> str | None:
    """Whose doing a finding is, if it is the submission's; of a FIN that a peer waited for, that of the only one."""
    if finding.code == "WL207":
        mine = [actor for actor in view.started if view.part(actor) == "submission"]
        return mine[0] if finding.rationale.values.get("wanted") == "FIN" and len(mine) == 1 else None
    return finding.actor if view.part(finding.actor) == "submission" else None


def _sent_as_messages(view: View, actor: str, since: int) -> Iterator[Message]:
    for connection, side in view.ends_of(actor):
        for message in view.messages(connection.index, side):
            if message.time > since and f"{message.groups.get('text', message.text).strip()}⏎" == QUIT_LINE:
                yield message


def _at_the_keyboard(view: View, actor: str, asked: int) -> Bilingual | None:
    """That the program was seen to wait for the keyboard's next line, before it closed anything."""
    seen = last_seen(view, actor)
    chain = chain_of(seen) if seen is not None else None
    if seen is None or chain is None or chain.last.doing != "keyboard" or seen.time < asked + AT_ONCE:
        return None
    closing = [call.time for call in view.called(actor, "shutdown", "close") if call.time > asked]
    for connection, side in view.ends_of(actor):
        ends = (connection.fin(side), *connection.teardown.resets)
        closing += [noted.segment.time for noted in ends if noted is not None and noted.sender == side]
    if any(time < seen.time for time in closing):
        return None
    time, said = view.seconds(seen.time), told(view, actor, chain)
    return Bilingual(f"at {time} s {said.en}", f"{time} 秒时 {said.zh}")


def _not_closed(view: View, actor: str, asked: int) -> Bilingual | None:
    """That it asked for the next line on its terminal, and that the other side closed, long after, before it did."""
    lines = [line.strip() for line in view.lines(actor)]
    at = next((number for number, line in enumerate(lines) if line.endswith(QUIT_LINE[:-1])), len(lines))
    prompt = lines[at].removesuffix(QUIT_LINE[:-1]).strip() if at < len(lines) else ""
    if not prompt or not any(line.startswith(prompt) for line in lines[at + 1 :]):
        return None
    for connection, side in view.ends_of(actor):
        mine, fin = connection.fin(side), connection.fin(other(side))
        if fin is None or fin.segment.time < asked + LEAVES_BY:
            continue
        if mine is None or mine.segment.time > fin.segment.time:
            name, frame = view.actor_at(connection, other(side)), fin.segment.frame
            return Bilingual(
                f"it asked for the next line, and had not closed when {name} did, in frame {frame}",
                f"它又显示了提示符，直到 {name} 在第 {frame} 帧关闭时它都没有关闭",
            )
    return None
