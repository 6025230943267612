"""Messages of errors: their number and their length are limited."""

from color_mesh.model import MeshError
from color_mesh.model.errors import MAX_PROBLEMS, add_problems, listed, problem


def test_problems_after_the_first_hundred_are_a_number() -> None:
    error = MeshError(f"problem {number}" for number in range(250))
    assert error.problems[:100] == tuple(f"problem {number}" for number in range(100))
    assert error.problems[100:] == ("and 150 more problems",)
    assert str(error).endswith("\nproblem 99\nand 150 more problems")


def test_numbers_of_merged_errors_are_added() -> None:
    first = MeshError(f"problem {number}" for number in range(101))
    second = MeshError(f"other {number}" for number in range(150))
    assert first.problems[-1] == "and 1 more problem"
    assert MeshError(dict.fromkeys((*first.problems, *second.problems))).problems[-1] == "and 151 more problems"


def test_list_of_problems_keeps_their_number() -> None:
    problems: list[str] = []
    for number in range(5000):
        add_problems(problems, [f"problem {number}"])
    assert len(problems) <= 11 * MAX_PROBLEMS
    assert MeshError(problems).problems[-1] == "and 4900 more problems"


def test_long_values_are_shortened() -> None:
    long = "x" * 1_000_000
    deep: object = [[[[[[[[[[]]]]]]]]]] * 1000
    values: tuple[object, ...] = (long, [long] * 1000, {long: {long: [long]}}, 10**400_000, deep)
    for value in values:
        assert len(problem(long, long, value, long)) < 5000


def test_short_values_are_quoted_as_they_are() -> None:
    values: tuple[object, ...] = ("red", 1, None, True, ["a", {"b": (1, 2.5)}], (), {})
    for value in values:
        assert problem("a", "is wrong", value, "fix") == f"a: is wrong, got {value!r} (fix)"


def test_many_names_are_a_number() -> None:
    assert listed(["b", "a", "b"]) == "a, b"
    assert listed([]) == "none"
    assert listed(range(1000)) == "1000 names"
