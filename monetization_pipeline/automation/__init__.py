"""Jobs, and runs in this process. Schedules and sensors have their place here."""
