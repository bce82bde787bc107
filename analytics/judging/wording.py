"""A judgement as one sentence that a manager can act on. Pure; the desk is in English."""

from __future__ import annotations

from datetime import datetime

from analytics.judging.outlook import Outlook
from analytics.judging.shapes import Code, Compared, Declared, Guard, Judgement

_MORE = {
    "resolution": "resolves {} points more",
    "contact": "brings {} fewer contacts per 100 readers",
    "confirmed": "gets {} more confirmations per 100 readers",
}
_LESS = {
    "resolution": "resolves {} points less",
    "contact": "brings {} more contacts per 100 readers",
    "confirmed": "gets {} fewer confirmations per 100 readers",
}
_UNIT = {
    "resolution": "points",
    "contact": "contacts per 100 readers",
    "confirmed": "confirmations per 100 readers",
}
_BARE = {
    "resolution": ("resolves more", "resolves less"),
    "contact": ("brings fewer contacts", "brings more contacts"),
    "confirmed": ("gets more confirmations", "gets fewer confirmations"),
}


def sentence(judged: Judgement, declared: Declared, outlook: Outlook) -> str:
    """What to do, and how sure that is."""
    match judged.code:
        case Code.NOBODY:
            return "Nobody has seen it yet. Visitors count from the moment at which they open the article."
        case Code.BLOCKED:
            return _blocked(judged)
        case Code.WITHHELD:
            return _withheld(judged)
        case Code.TOO_EARLY:
            return _too_early(judged, declared, outlook)
        case Code.BEST:
            return _best(judged, declared)
        case Code.BETTER:
            return _better(judged, declared)
        case Code.WORSE:
            return _worse(judged, declared)
        case Code.SAME:
            return f"No difference worth having: {_between(judged, declared)}. Keep whichever you like."
        case Code.FUTILE:
            return (
                f"Going on will hardly show anything: {_between(judged, declared)} after {_seen(judged, declared)}. "
                "Stop it and keep whichever you like, or try a bolder change."
            )
        case Code.INCONCLUSIVE:
            return _inconclusive(judged, declared)
        case Code.UNCLEAR:
            return _unclear(judged, declared, outlook)


def spoken(each: Compared, declared: Declared) -> str:
    """One comparison with the control, in words; for tables."""
    if each.said:
        return f"{name(each.second, declared)} {_how_much(each, declared)}"
    if not each.is_judged:
        return "too early to say"
    if declared.earns:
        return f"not shown: {_odds(each)}"
    return f"{'practically the same' if each.is_same else 'not shown'}: {_range(each, declared)}"


def guard_spoken(guard: Guard, declared: Declared) -> str:
    """What a guard-rail shows of one text."""
    who = name(guard.arm, declared)
    if guard.low is None or guard.high is None:
        return "too early to say"
    span = f"{_number(guard.low, sign=True)} to {_number(guard.high, sign=True)} points"
    if not guard.is_harmed:
        return f"no harm shown ({span})"
    if guard.what == "contact":
        return f"more of the readers of {_lower(who)} contact us about something ({span})"
    return f"fewer of the readers of {_lower(who)} who open the contact form send it ({span})"


def name(key: str, declared: Declared) -> str:
    return f"Revision {next(arm.revision for arm in declared.arms if arm.key == key)}"


def day(moment: datetime, *, now: datetime) -> str:
    """12 Dec; with the year where it is another."""
    return f"{moment.day} {moment:%b}" + (f" {moment.year}" if moment.year != now.year else "")


def _blocked(judged: Judgement) -> str:
    split = judged.split
    if split is None:
        return "Blocked."
    much = f"{abs(100 * split.off):.2g} %"
    return (
        f"Blocked: arm {split.worst} has {much} {'fewer' if split.off < 0 else 'more'} visitors than drawn; something "
        "counts wrongly. Look at page caches, redirects and scripts that treat its text in another way before "
        "believing any of this."
    )


def _withheld(judged: Judgement) -> str:
    linkable, exposed = judged.coverage
    share = f"{linkable:,} ({100 * linkable / exposed:.0f} %)"
    return (
        f"Withheld: of {exposed:,} visitors we would know of only {share} whether they contacted us; 30 % are needed. "
        "Judge the next test by “confirmed”, or let more readers come by signed links."
    )


def _too_early(judged: Judgement, declared: Declared, outlook: Outlook) -> str:
    linkable, exposed = judged.coverage
    if not judged.units:
        waits = exposed if declared.metric == "confirmed" else linkable
        why = (
            f"{waits:,} visitors wait for their {declared.window_days} days to be over" if waits else "nobody to judge"
        )
    else:
        why = f"{judged.units:,} visitors are judged, too few successes or failures in an arm"
    if outlook.first is None:
        return f"Too early: {why}. At this pace no verdict can be expected; let more readers take part."
    return f"Too early: {why}, first verdict expected about {day(outlook.first, now=judged.at)}."


def _best(judged: Judgement, declared: Declared) -> str:
    key = judged.arms[0]
    each = judged.of(declared.control, key)
    if each is None:
        return ""
    told = f"{name(key, declared)} {_how_much(each, declared)}"
    if len(declared.arms) > 2:
        told += " than the live text, and does better than every other"
    harms = [guard for guard in judged.guards if guard.arm == key and guard.is_harmed]
    if harms:
        return f"{told}, but {guard_spoken(harms[0], declared)}. Look into that before you publish it."
    if declared.earns:
        return f"{told}; publish it. By how much is not said, since the weights followed the results."
    if each.running_high is not None and each.running_high < declared.worthwhile:
        worth = f"{_number(declared.worthwhile)} that you called worth having"
        return f"{told}: real, but less than the {worth}. Publish it if that costs nothing."
    return f"{told}; publish it."


def _better(judged: Judgement, declared: Declared) -> str:
    told = [
        f"{name(key, declared)} {_how_much(each, declared)}"
        for key in judged.arms
        if (each := judged.of(declared.control, key)) is not None
    ]
    more = "Whether it is the best" if len(told) == 1 else "Which of them is best"
    return f"{' and '.join(told)} than the live text. {more} is not shown yet; go on to learn it, or publish one now."


def _worse(judged: Judgement, declared: Declared) -> str:
    told = [
        f"{name(key, declared)} {_how_much(each, declared)}"
        for key in judged.arms
        if (each := judged.of(declared.control, key)) is not None
    ]
    return f"{' and '.join(told)}; keep {_lower(name(declared.control, declared))}."


def _inconclusive(judged: Judgement, declared: Declared) -> str:
    keep = f"Keep {_lower(name(declared.control, declared))}, or try a bolder change."
    if not any(each.is_judged for each in judged.compared if each.first == declared.control):
        return f"The deadline has passed with too few visitors to say anything: {judged.units:,} were judged. {keep}"
    return f"The deadline has passed and no difference was shown: {_between(judged, declared)}. {keep}"


def _unclear(judged: Judgement, declared: Declared, outlook: Outlook) -> str:
    told = f"Nothing is shown yet: {_between(judged, declared)} after {_seen(judged, declared)}."
    if outlook.planned is None:
        return f"{told} Go on."
    when = day(outlook.planned, now=judged.at)
    if declared.mode == "deadline":
        return f"{told} Go on; the last look is about {when}."
    if declared.planned and judged.units < declared.planned:
        return f"{told} Go on; at this pace what was planned is in about {when}."
    return f"{told} Go on, or stop and keep what you have."


def _how_much(each: Compared, declared: Declared) -> str:
    """resolves 4 to 11 points more."""
    is_better = each.said == "better"
    if declared.earns:
        return f"{_BARE[declared.metric][0 if is_better else 1]} ({_odds(each)})"
    if each.running_low is None or each.running_high is None:
        return _BARE[declared.metric][0 if is_better else 1]
    low, high = (each.running_low, each.running_high) if is_better else (-each.running_high, -each.running_low)
    low = max(0.0, low)  # what Holm has shown is no loss
    first, last = _number(low), _number(high)
    span = f"about {first}" if first == last else f"up to {last}" if low == 0 else f"{first} to {last}"
    return (_MORE if is_better else _LESS)[declared.metric].format(span)


def _between(judged: Judgement, declared: Declared) -> str:
    """Of each treatment the range in which the difference lies."""
    against = [each for each in judged.compared if each.first == declared.control]
    if declared.earns:
        return "; ".join(f"{_lower(name(each.second, declared))}: {_odds(each)}" for each in against)
    if len(against) == 1:
        return _range(against[0], declared)
    return "; ".join(f"{_lower(name(each.second, declared))} {_range(each, declared)}" for each in against)


def _range(each: Compared, declared: Declared) -> str:
    if each.running_low is None or each.running_high is None:
        return "too early to say"
    low, high = each.running_low, each.running_high
    if declared.metric == "contact":
        low, high = -high, -low
    return f"between {_number(low, sign=True)} and {_number(high, sign=True)} {_UNIT[declared.metric]}"


def _odds(each: Compared) -> str:
    return f"the evidence is {1 / max(each.least_p, 1e-9):,.0f} to 1; 20 to 1 is asked for"


def _seen(judged: Judgement, declared: Declared) -> str:
    of = f" of {declared.planned:,}" if declared.planned and judged.units < declared.planned else ""
    return f"{judged.units:,}{of} visitors"


def _number(share: float, *, sign: bool = False) -> str:
    """In points: whole, below 1 with a decimal; −0.4, +2, 0."""
    points = round(100 * share, 1) if abs(share) < 0.00999 else float(round(100 * share))
    text = f"{abs(points):.1f}" if points != round(points) else f"{abs(points):.0f}"
    mark = "−" if points < 0 else "+" if points > 0 and sign else ""
    return mark + text


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
