"""When things happen: the stories, their Prefect flows and the timetable."""
