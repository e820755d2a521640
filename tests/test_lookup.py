"""What a name means: the thing itself before those that begin so."""

from saetui.lookup import meant, newest_meant

THINGS = [("id-1", "wide"), ("id-2", "wider"), ("wi-3", "narrow")]


def found(name: str) -> list[str]:
    return [thing[0] for thing in meant(name, THINGS, lambda thing: thing)]


def test_a_whole_name_or_id_means_its_own_thing_only() -> None:
    assert found("wide") == ["id-1"]
    assert found("id-2") == ["id-2"]


def test_a_beginning_means_all_that_begin_so() -> None:
    assert found("wi") == ["id-1", "id-2", "wi-3"]
    assert found("na") == ["wi-3"]
    assert found("other") == []


def test_no_name_means_nothing() -> None:
    assert found("") == []


def test_of_things_of_one_name_the_last_is_meant() -> None:
    things = [("id-1", "wide"), ("id-2", "wider"), ("id-3", "wide")]

    def newest(name: str) -> list[str]:
        return sorted(thing[0] for thing in newest_meant(name, things, lambda thing: thing))

    assert newest("wide") == ["id-3"]
    assert newest("id-1") == ["id-1"]
    assert newest("wi") == ["id-2", "id-3"]
