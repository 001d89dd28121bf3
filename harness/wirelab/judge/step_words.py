"""A step of a script in words, to stand in the sentence of a finding. Knows no evidence."""

from __future__ import annotations

from wirelab.base.texts import Bilingual, cut
from wirelab.declare import steps
from wirelab.declare.scenario import ScriptStep

QUOTED = 40  # characters of a text that stand in a sentence


def in_words(step: ScriptStep) -> Bilingual:
    """What is done in a step: "typing '/quit' at alice's keyboard", "在 alice 的键盘上输入 '/quit'"."""
    action, actor = step.action, step.actor
    match action:
        case steps.Type():
            without = Bilingual("", "") if action.enter else Bilingual(" (without Enter)", "（不按回车）")
            text = _quoted(action.text)
            english = f"typing {text}{without.en} at {actor}'s keyboard"
            return Bilingual(english, f"在 {actor} 的键盘上输入 {text}{without.zh}")
        case steps.Press():
            key = "-".join(part.capitalize() for part in action.key.split("-"))
            return Bilingual(f"pressing {key} at {actor}'s keyboard", f"在 {actor} 的键盘上按 {key}")
        case steps.SendSignal():
            return Bilingual(f"sending SIG{action.name} to {actor}", f"向 {actor} 发送 SIG{action.name}")
        case steps.Sends():
            text = _quoted(action.text or action.raw or action.hex or "")
            return Bilingual(f"{actor}'s sending {text}", f"{actor} 发送 {text}")
        case steps.Shows() | steps.NeverShows():
            text = _quoted(action.text or action.pattern or "")
            return Bilingual(f"looking for {text} on {actor}'s terminal", f"等待 {actor} 的终端显示 {text}")
        case steps.Expects():
            text = _quoted(action.text or action.pattern or str(action.end).upper())
            return Bilingual(f"{actor}'s waiting for {text}", f"{actor} 等待 {text}")
        case steps.Start():
            return Bilingual(f"starting {action.start}", f"启动 {action.start}")
        case steps.Wait():
            return Bilingual(f"waiting {action.wait:g} s", f"等待 {action.wait:g} 秒")
        case steps.Cut():
            return Bilingual(f"cutting the wire ({action.cut})", f"剪断线路（{action.cut}）")
        case steps.Drop():
            return Bilingual(
                f"losing a segment ({action.drop}) of the {action.sender}",
                f"丢弃 {action.sender} 的一个 {action.drop} 报文段",
            )
        case steps.Inject():
            return Bilingual(f"forging a RST to {action.to}", f"向 {action.to} 伪造一个 RST")
    english, chinese = _PLAIN[type(action)]
    return Bilingual(english.format(actor=actor), chinese.format(actor=actor))


_PLAIN: dict[type[steps.Step], tuple[str, str]] = {
    steps.Heal: ("mending the wire", "恢复线路"),
    steps.Exits: ("{actor}'s exit", "{actor} 退出"),
    steps.CloseTerminal: ("closing {actor}'s terminal", "关闭 {actor} 的终端"),
    steps.HalfCloses: ("{actor}'s FIN", "{actor} 发出 FIN"),
    steps.Closes: ("{actor}'s closing its socket", "{actor} 关闭套接字"),
    steps.Resets: ("{actor}'s RST", "{actor} 发出 RST"),
    steps.StopsReading: ("{actor}'s ceasing to read", "{actor} 停止接收"),
    steps.ReadsAgain: ("{actor}'s reading on", "{actor} 恢复接收"),
}


def _quoted(text: str | tuple[str, ...]) -> str:
    """A text, or several, in quotes; of a long one the beginning."""
    whole = text if isinstance(text, str) else "\n".join(text)
    return repr(cut(whole, QUOTED))
