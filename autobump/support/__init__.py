"""What any program needs: git, files, locks, HTTP, logs; knows nothing of the job."""
