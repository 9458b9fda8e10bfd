"""Real processes under real faults: killed at random, failed at each write, on a lossy line, on a full disk."""
