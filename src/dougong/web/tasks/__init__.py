"""Pages of tasks that several sides see."""
