"""What the judge says when a property of protocol section 0 does not hold."""


class Offence(AssertionError):
    """A property broken: its name first ("P1", "P2", "P5", "P8", "signing"), then what was found."""

    def __init__(self, rule: str, words: str) -> None:
        super().__init__(f"{rule}: {words}")
        self.rule = rule


def demand(fact: object, rule: str, words: str) -> None:
    """Raise Offence unless the fact holds."""
    if not fact:
        raise Offence(rule, words)


def offences_in(group: BaseExceptionGroup[BaseException]) -> list[Offence]:
    """Every offence in a group of errors, first ones first."""
    found: list[Offence] = []
    for one in group.exceptions:
        if isinstance(one, BaseExceptionGroup):
            found += offences_in(one)
        elif isinstance(one, Offence):
            found.append(one)
    return found
