"""What each number of docs/metrics.md is in a world's lives, counted from all that the model knows. Pure.

Written from the definitions and without the product's code, so that the two can disagree. Counted over very many lives,
a share is the chance that a number's interval must hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from analytics.simulation.world import lives
from analytics.simulation.world_shapes import DAY, PHONE, WINDOW, Deed, Letter, Life, Model

IDLE = 30 * 60
_PEOPLE = 200_000  # whose lives a truth is counted over: chance then moves it by an eighth of what it moves a seed's
_NEVER = 10**12
# No shares: one person can bring two.
LATE = "contacts about delivery, of a person"
OPENED = "form opened, to a journey"
HELPED = "helped by a suggestion"
CONTACTS = "contacts of the later half, to those of the earlier"


@dataclass
class Truth:
    """name -> [hits, of]. `share(name)` is what is true."""

    counts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def add(self, name: str, hit: bool) -> None:
        pair = self.counts[name]
        pair[0] += hit
        pair[1] += 1

    def share(self, name: str) -> float:
        hits, of = self.counts[name]
        return hits / of if of else 0.0

    @property
    def suggestions_prevent(self) -> float:
        """Points fewer visitors who contact us, with suggestions than without."""
        return self.share("form off") - self.share("form on")

    @property
    def messages_prevent(self) -> float:
        return self.share("held out") - self.share("notified")


@dataclass(frozen=True)
class Spell:
    """One journey, as the model knows it."""

    deeds: list[Deed]
    letters: list[Letter]  # of the person, whatever their channel, from its beginning on
    known_at: int

    @property
    def started(self) -> int:
        return self.deeds[0].at

    @property
    def ended(self) -> int:
        return self.deeds[-1].at

    @property
    def seen(self) -> list[Letter]:
        """The letters that say whose they are."""
        return [letter for letter in self.letters if letter.channel != PHONE]

    @property
    def last_read(self) -> Deed | None:
        """Of those before a contact."""
        during = next((letter.at for letter in self.seen if letter.at <= self.ended), _NEVER)
        return next((deed for deed in reversed(self.deeds) if deed.kind == "read" and deed.at <= during), None)

    @property
    def is_linkable(self) -> bool:
        """Known again, and known by name, before there was a way to write to us."""
        forms = [deed.at for deed in self.deeds if deed.kind in ("form", "suggested", "answered")]
        cut = min([*forms, *(letter.at for letter in self.seen[:1])], default=_NEVER)
        is_back = any(deed.is_returning and deed.at < cut for deed in self.deeds)
        return is_back and self.known_at <= self.ended and self.known_at < cut

    @property
    def says(self) -> bool | None:
        """The latest word on each article; one standing no is a no."""
        words = {deed.article: bool(deed.is_yes) or deed.kind == "answered" for deed in self.deeds if _is_word(deed)}
        return all(words.values()) if words else None

    @property
    def is_answered(self) -> bool:
        return any(deed.answered for deed in self.deeds) or any(deed.kind == "answered" for deed in self.deeds)

    def within(self, letters: Iterable[Letter]) -> list[Letter]:
        return [letter for letter in letters if letter.at < self.ended + WINDOW]


def _is_word(deed: Deed) -> bool:
    return deed.kind in ("vote", "answered")


def count(model: Model, told: Iterable[Life]) -> Truth:
    """All numbers of these lives, of the model's days."""
    truth, end = Truth(), model.days * DAY
    for life in told:
        life.letters.sort(key=lambda letter: letter.at)
        for spell in spells(life):
            if 0 <= spell.started < end:
                _count_spell(model, truth, spell)
        _count_letters(truth, life, end)
        _count_forms(truth, life, end)
        _count_openings(truth, life, end)
        _count_votes(truth, life, end)
        _count_searches(truth, life, end)
        if life.late_at is not None:
            wrote = any(life.late_at <= one.at < life.late_at + WINDOW and one.channel != PHONE for one in life.letters)
            truth.add("held out" if life.is_held_out else "notified", wrote)
    return truth


def spells(life: Life) -> Iterator[Spell]:
    """The journeys of each of a person's browsers."""
    for device in life.devices:
        sent = [letter.at for letter in life.letters if letter.device == device]
        known_at = min([*sent, life.ties.get(device, _NEVER)], default=_NEVER)
        current: list[Deed] = []
        for deed in life.deeds:
            if deed.device != device:
                continue
            if current and deed.at - current[-1].at > IDLE:
                yield _spell(current, life, known_at)
                current = []
            current.append(deed)
        if current:
            yield _spell(current, life, known_at)


def _spell(deeds: list[Deed], life: Life, known_at: int) -> Spell:
    return Spell(deeds, [letter for letter in life.letters if letter.at >= deeds[0].at], known_at)


def _count_spell(model: Model, truth: Truth, spell: Spell) -> None:
    is_linkable, last = spell.is_linkable, spell.last_read
    truth.add("coverage", is_linkable)
    truth.counts[OPENED][1] += 1
    if last is None or last.article is None:
        return
    seen, all_of_them = spell.within(spell.seen), spell.within(spell.letters)
    on_topic = any(letter.topic in ("", last.topic) for letter in seen)
    if is_linkable:
        truth.add("contact after read", on_topic)
        truth.add(f"contact after read: {model.articles[last.article].key}", on_topic)
        truth.add("contact after read, by phone too", any(one.topic in ("", last.topic) for one in all_of_them))
    truth.add("contact after read, of all readers", any(one.topic in ("", last.topic) for one in all_of_them))
    is_confirmed = spell.says is True and not seen
    truth.add("confirmed", is_confirmed)
    truth.add(f"confirmed: {model.articles[last.article].key}", is_confirmed)
    truth.add("helped", spell.is_answered and not all_of_them)


def _count_letters(truth: Truth, life: Life, end: int) -> None:
    known = [letter for letter in life.letters if letter.channel != PHONE and letter.topic]
    for letter in known:
        if 0 <= letter.at < end:
            again = any(one.topic == letter.topic and 0 < one.at - letter.at < WINDOW for one in known)
            truth.add("repeat contact", again)
    late = truth.counts[LATE]
    late[0] += sum(letter.topic == "delivery" and 0 <= letter.at < end for letter in life.letters)
    late[1] += 1
    for letter in life.letters:
        if 0 <= letter.at < end:
            is_later = letter.at >= end // 2
            for name in (CONTACTS, f"{CONTACTS}: {letter.topic or 'uncoded'}"):
                truth.counts[name][0 if is_later else 1] += 1


def _count_forms(truth: Truth, life: Life, end: int) -> None:
    """Of each browser the first form that was drawn into an arm; whether its person wrote, by any way that says who."""
    first: set[str] = set()
    for form in sorted(life.forms, key=lambda form: form.at):
        if form.why_not or form.device in first or form.at >= end:
            continue
        first.add(form.device)
        wrote = any(form.at <= one.at < form.at + WINDOW and one.channel != PHONE for one in life.letters)
        truth.add("form on" if form.is_on else "form off", wrote)
        arm = "with suggestions" if form.is_on else "without suggestions"
        truth.add(f"form sent, {arm}", form.letter is not None)
        if form.is_on:
            truth.add("suggestion was the answer", form.answered_at is not None)
        if form.is_on and form.shown is not None:
            tied = form.device in life.ties or any(letter.device == form.device for letter in life.letters)
            said_no = any(
                deed.kind == "vote" and deed.device == form.device and deed.is_yes is False
                and form.at <= deed.at < form.at + WINDOW
                for deed in life.deeds
            )  # fmt: skip
            truth.add("clean withdrawal", form.letter is None and not (wrote and tied) and not said_no)
            truth.add(HELPED, form.is_helped)


def _count_openings(truth: Truth, life: Life, end: int) -> None:
    """Every opening of the form, whoever opened it before."""
    opened = [form for form in life.forms if 0 <= form.at < end]
    truth.counts[OPENED][0] += len(opened)
    for form in opened:
        truth.add("form completed", form.letter is not None or form.answered_at is not None)


def _count_votes(truth: Truth, life: Life, end: int) -> None:
    """Of each browser, article and day the last word."""
    said = {
        (deed.device, deed.article, deed.at // DAY): deed.is_yes
        for deed in sorted(life.deeds, key=lambda deed: deed.at)
        if deed.kind == "vote" and 0 <= deed.at < end
    }
    for is_yes in said.values():
        truth.add("votes for no", not is_yes)


def _count_searches(truth: Truth, life: Life, end: int) -> None:
    """What one browser asked on one day; whether its person wrote, by our form or where browser and person are known to
    belong together."""
    asked: dict[tuple[str, int, str], list[Deed]] = defaultdict(list)
    for deed in life.deeds:
        if deed.kind == "search" and 0 <= deed.at < end:
            asked[deed.device, deed.at // DAY, deed.words].append(deed)
    tied = {*life.ties, *(letter.device for letter in life.letters)}
    for (device, _day, _words), deeds in asked.items():
        finds, is_opened = any(deed.finds for deed in deeds), any(deed.opened is not None for deed in deeds)
        truth.add("search found nothing", not finds)
        if finds:
            truth.add("search, none opened", not is_opened)
        truth.add("search put anew", not is_opened and any(deed.is_put_anew for deed in deeds))
        heard = [letter.at for letter in life.letters if letter.channel != PHONE] if device in tied else []
        truth.add("contact after search", any(0 <= at - deed.at < DAY for deed in deeds for at in heard))


def calibrated(model: Model, coverage: float) -> Model:
    """The model with so many people known that this share (0 to 1) of its journeys is linkable, as nearly as can be."""

    def measured(known: float) -> float:
        tried = replace(model, known=known)
        return count(tried, lives(tried, seed=0, people=3_000)).share("coverage")

    none, everybody = measured(0.0), measured(1.0)
    known = (coverage - none) / (everybody - none)
    known = min(1.0, max(0.0, known))
    # Who is known writes more: not quite a straight line, so once more from there.
    known += (coverage - measured(known)) / (everybody - none)
    return replace(model, known=min(1.0, max(0.0, known)))


def long_run(model: Model, *, seed: int, people: int = _PEOPLE) -> Truth:
    """The truth of a model: the same numbers over very many other lives."""
    return count(model, lives(model, seed=1_000_003 + seed, people=people))
