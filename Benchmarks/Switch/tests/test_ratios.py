import unittest

from switch_bench.ratios import largest_passing, median, ratio


class Ratios(unittest.TestCase):
    def test_a_round_is_divided_by_itself(self) -> None:
        # The machine was twice as slow in the second round, for both.
        self.assertAlmostEqual(ratio([100, 45, 80], [100, 50, 100]) or 0, 0.9)

    def test_a_round_without_one_of_the_two_counts_for_nothing(self) -> None:
        self.assertEqual(ratio([1, None, 3], [2, 2, None]), 0.5)
        self.assertIsNone(ratio([None, 1], [1, None]))
        self.assertIsNone(ratio([1], [0]))
        self.assertIsNone(median([None]))


class Search(unittest.TestCase):
    def test_finds_every_edge(self) -> None:
        for edge in range(0, 40):
            tried: list[int] = []

            def passes(value: int, edge: int = edge, tried: list[int] = tried) -> bool:
                tried.append(value)
                return value <= edge

            self.assertEqual(largest_passing(passes, 3, 37), min(max(edge, 2), 37))
            self.assertLessEqual(len(tried), 8)

    def test_stops_within_a_step(self) -> None:
        found = largest_passing(lambda value: value <= 70_000, 0, 1_000_000, 1000)
        self.assertTrue(69_000 <= found <= 70_000, found)
