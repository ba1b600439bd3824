"""What runs by itself and what runs here: jobs, schedules, sensors, notices, and runs in this process."""
