"""How much of what somebody made long is shown: all numbers of pages and formats, in one place.

What stands here is our choice. What a platform cuts off by itself stands with the format that is written for it, and
how many characters any other text has at the most in `grader.untrusted`.
"""

from typing import Final

# characters of one value
MOMENT: Final = 40  # a time, the name of a platform's id
CODE: Final = 60  # a reason code, a stage, a version
LABEL: Final = 80  # a student in a table
ID: Final = 120  # of a check, a submission, a host, on a platform
NAME: Final = 200  # of a person, a file, an image
PATH: Final = 300  # of a report
WHY: Final = 300  # why an instructor changed a score
SUBJECT: Final = 64  # what an event is about
SOURCE: Final = 20  # who saw it

# what result.json and class.json list
JSON_FINDINGS: Final = 500
JSON_ENTRIES: Final = 200  # images, versions, errors
JSON_NOTICES: Final = 200

# a report: bytes in each language, which together keep one with both languages below two megabytes
EVIDENCE: Final = 240_000
TIMELINES: Final = 280_000
FINDINGS: Final = 120_000
TEXT: Final = 2_000
PAGE_PROOFS: Final = 12
PAGE_FINDINGS: Final = 100
PAGE_ENTRIES: Final = 40  # images, versions, errors
DETAIL_LINES: Final = 40  # of one finding
IMAGE_LACKS: Final = 10  # what a stand-in is known not to have

# a report's timeline
PART: Final = 12  # events between two landmarks that are shown one by one
ROWS: Final = 60
DETAILS: Final = 8
ROW_TEXT: Final = 500  # bytes of one row's words in the page
ROW_MARKUP: Final = 350

# the console
CONSOLE_FINDINGS: Final = 100
CONSOLE_LINES: Final = 12  # of one finding's details

# a class's page
CAUSES: Final = 40
STUDENTS: Final = 20  # named with one cause
SLOWEST: Final = 10
SIMILAR: Final = 100
PAGE_NOTICES: Final = 40

# formats of platforms: findings, and characters of what is said of one check
GRADESCOPE_FINDINGS: Final = 30
GRADESCOPE_TEXT: Final = 4_000
PRAIRIELEARN_FINDINGS: Final = 30
MARKDOWN_FINDINGS: Final = 50
MARKDOWN_TEXT: Final = 1_000
ANNOTATION_TEXT: Final = 1_000
AUTOGRADING_TEXT: Final = 2_000
