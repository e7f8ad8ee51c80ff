"""The leaderboard: a Django site around `teachkit.big` (extra ``site``).

settings     base, dev, test, prod; prod does not start without its secrets
people       accounts, teams, invitations, tokens
challenges   what is asked: a suite, dates, limits, labels that only the worker reads
submissions  upload, limits, queue, worker, scores
board        the table of places, and its exports
pages        everything that explains
"""
