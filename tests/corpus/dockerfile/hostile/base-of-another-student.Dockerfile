FROM grader.local/build/grader-abc-1-api:run
