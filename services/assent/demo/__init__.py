"""`make run`: the main job, played on real input against the real system."""
