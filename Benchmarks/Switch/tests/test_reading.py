import json
import unittest

from switch_bench.system import CPUTime, Cores, Refused
from switch_bench.traffic import iperf_gigabits, sockperf_percentiles

SOCKPERF = """sockperf: ---> <MAX> observation =  411.270
sockperf: ---> percentile 99.900 =  163.904
sockperf: ---> percentile 99.000 =   97.276
sockperf: ---> percentile 50.000 =   40.811
sockperf: ---> <MIN> observation =   33.012
"""


class Reading(unittest.TestCase):
    def test_sockperf(self) -> None:
        self.assertEqual(sockperf_percentiles(SOCKPERF), (40.811, 97.276))
        with self.assertRaises(Refused):
            sockperf_percentiles("sockperf: no messages were received")

    def test_iperf_counts_what_arrived_both_ways(self) -> None:
        one_way = {"end": {"sum_sent": {"bits_per_second": 9e9}, "sum_received": {"bits_per_second": 8e9}}}
        self.assertEqual(iperf_gigabits(json.dumps(one_way)), 8)
        both = {"end": {"sum_received": {"bits_per_second": 8e9}, "sum_received_bidir_reverse": {"bits_per_second": 5e9}}}
        self.assertEqual(iperf_gigabits(json.dumps(both)), 13)
        with self.assertRaisesRegex(Refused, "unable to connect"):
            iperf_gigabits('{"error": "unable to connect to server"}')

    def test_cpu_time_of_threads_that_come_and_go(self) -> None:
        earlier = CPUTime({"1": (100, 10), "2": (900, 0)})
        later = CPUTime({"1": (150, 30), "3": (7, 5)})
        self.assertEqual(later.ran_since(earlier), 57)
        self.assertEqual(later.waited_since(earlier), 25)

    def test_cores(self) -> None:
        self.assertEqual((Cores({0, 1, 2}).switch, Cores({0, 1, 2}).load), ({2}, {0, 1}))
        self.assertTrue(Cores({5}).are_few)
        self.assertFalse(Cores({0, 1}).are_few)
