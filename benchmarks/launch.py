"""Starts commands and measures them, in a process of its own: a child begins with the peak of its parent.

Reads one command a line, as a JSON list of words, and writes wall seconds, CPU seconds, peak memory as the
operating system counts it, and status.
"""

import json
import os
import sys
import time

_NOWHERE = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]

for line in sys.stdin:
    command = json.loads(line)
    started = time.perf_counter()
    _, status, usage = os.wait4(os.posix_spawnp(command[0], command, os.environ, file_actions=_NOWHERE), 0)
    wall = time.perf_counter() - started
    ended = os.waitstatus_to_exitcode(status)
    print(json.dumps([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, ended]), flush=True)
