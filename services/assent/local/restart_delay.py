"""How long to wait before a process that keeps dying is started again."""

FIRST_S = 0.2
LONGEST_S = 10.0
HEALTHY_S = 30.0


def delay_s(failures: int, spread: float) -> float:
    """Seconds to wait after the given number of failures in a row (1, 2, …).

    It doubles from 0.2 s up to 10 s. `spread`, from 0 to 1, moves it by up to a fifth either way, so that
    processes that died together do not restart together. That is less than a doubling, so it still grows.
    """
    steps = min(failures - 1, 16)
    return min(LONGEST_S, FIRST_S * 2**steps * (0.8 + 0.4 * spread))
