"""All attacks: each room adds its own when it is imported."""

import attack_files
import attack_jobs
import attack_results
from attacks import ATTACKS

ROOMS = (attack_results, attack_files, attack_jobs)
__all__ = ["ATTACKS", "ROOMS"]
