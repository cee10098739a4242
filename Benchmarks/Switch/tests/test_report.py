import json
import unittest
import xml.etree.ElementTree as ElementTree

from switch_bench.comparison import Comparison
from switch_bench.documentation import between_marks
from switch_bench.goals import GOALS, SHORT_LIMITS, judge
from switch_bench.machine import Machine
from switch_bench.measurements import FIGURES, MEASUREMENTS
from switch_bench.__main__ import CASES
from switch_bench.plot import draw
from switch_bench.report import SECTIONS, Report
from switch_bench.system import Refused

MACHINE = Machine("A processor <of mine>", 2, 24, "6.18.44-x", "Debian GNU/Linux 12 (bookworm)", "2026-01-31")


def report() -> Report:
    outcome = Comparison(titles={name: CASES[name].title for name in ("batchvnet", "toprack", "ports")}, rounds=2)
    outcome.results = {
        "batchvnet": {"frames60": [500, 250], "cpu60": [2.0, 2.0]},
        "toprack": {"frames60": [490, 245], "cpu60": [2.2, None]},
        "ports": {"frames60": [100, None], "idle": [0.05, 0.07]},
    }
    outcome.skipped = {"poll": "this toprackd has no --poll"}
    outcome.disturbances = [0.01, 0.2]
    return Report(MACHINE, outcome, 3)


class Reports(unittest.TestCase):
    def test_goals_are_judged_by_the_rounds(self) -> None:
        met = {one.goal.text: one.met for one in report().judged}
        self.assertEqual(met, {
            "CPU per 60-byte frame / batched C forwarder": False, "60-byte frames delivered / batched C forwarder": True,
            "60-byte frames, 2 000 ports / 2": False, "CPU when idle with 2 000 ports, %": True})
        self.assertTrue(all(one.met for one in judge(SHORT_LIMITS, report().comparison.results)))

    def test_text_is_aligned_and_names_the_machine_and_what_is_missing(self) -> None:
        text = report().text()
        self.assertIn("A processor <of mine>, 2 cores, 24 GiB, Linux 6.18.44, Debian", text)
        self.assertIn("poll: this toprackd has no --poll", text)
        self.assertIn("Other work had 20% to 20% of a core in 1 of 2 measurements of frames; the 0 rates", text)
        lines = text.splitlines()
        ruler = next(line for line in lines if line.startswith("───"))
        self.assertEqual(len(ruler), max(len(line) for line in lines[lines.index(ruler) - 2:lines.index(ruler) + 2]))

    def test_json_has_medians_and_rounds(self) -> None:
        value = json.loads(report().json())
        self.assertEqual(value["cases"]["toprack"]["medians"]["frames60"], 367.5)
        self.assertEqual(value["cases"]["ports"]["rounds"]["frames60"], [100, None])
        self.assertEqual(value["machine"]["cores"], 2)

    def test_markdown_rows_have_one_width(self) -> None:
        for table in report().tables():
            self.assertEqual({line.count("|") for line in table.markdown().splitlines()}, {len(table.headings) + 1})

    def test_the_plot_is_xml_with_a_bar_for_each_value(self) -> None:
        root = ElementTree.fromstring(draw(*report().plot()))
        bars = [one for one in root.iter("{http://www.w3.org/2000/svg}rect") if one.get("class") in ("bar", "ours")]
        self.assertEqual(len(bars), 4)

    def test_every_name_is_of_something(self) -> None:
        reported = {name for case in CASES.values() for name in case.parts or [case.name]}
        for section in SECTIONS:
            self.assertLessEqual(set(section.cases) | set(section.about), reported)
            self.assertLessEqual(set(section.figures), set(FIGURES))
        for goal in [*GOALS, *SHORT_LIMITS]:
            self.assertLessEqual({goal.case, goal.reference} - {None}, reported)
            self.assertIn(goal.figure, FIGURES)
        for case in CASES.values():
            self.assertLessEqual(set(case.measurements), set(MEASUREMENTS), case.name)


class Documents(unittest.TestCase):
    def test_only_what_is_between_the_marks_changes(self) -> None:
        document = "a\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nz\n"
        expected = "a\n<!-- bench: begin -->\n\nnew\n\n<!-- bench: end -->\nz\n"
        self.assertEqual(between_marks(document, "bench", "new\n"), expected)
        self.assertEqual(between_marks(expected, "bench", "new\n"), expected)
        with self.assertRaises(Refused):
            between_marks("a\n", "bench", "new")
