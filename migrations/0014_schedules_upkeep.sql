-- What is tidied up every hour is found by its age.
CREATE INDEX schedules_done ON schedules(last_at) WHERE status=3;
CREATE INDEX schedule_days_day ON schedule_days(day);
