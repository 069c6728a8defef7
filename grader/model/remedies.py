"""How to mend what a finding says, by its code: said where the place that found it has nothing better to say."""

from __future__ import annotations

from grader.model.text import Text, msg

_CORRECT = msg("Correct the file; docker compose config shows whether it can be read.")
_DOCKERFILE = msg("Correct the line; docker build shows whether the file can be read.")
_NOTHING = msg("Nothing has to be changed; on your own machine it works as it is written.")
_FEWER = msg("Write fewer of them; what is not needed for the assignment can go.")
_SMALLER = msg("Make the file smaller, or split it.")
_UTF8 = msg("Save the file as UTF-8 text.")
_REMOVE = msg("Remove the attribute.")
_VALUE = msg("Correct the value; the reference of the Compose file says which ones there are.")
_DOLLAR = msg("Write $$ where a single $ is meant, and variables as ${NAME} or ${NAME:-value}.")
_VARIABLE = msg("Write the variable into .env, or give it a default: ${NAME:-value}.")
_ENV_LINE = msg("Write one NAME=value on each line.")
_PATH = msg("Put it into the submission, or correct its path: it is relative to the compose file.")
_CYCLE = msg("Break the circle: take one of these references out.")
_FLATTER = msg("Write it out in fewer steps.")

REMEDIES: dict[str, Text] = {
    "archive-beside": msg("Nothing has to be changed; a report beside the archive is kept for whoever reads it."),
    "archive-entered": msg("Nothing has to be changed; hand in a folder or one archive next time."),
    "attribute-dropped": _NOTHING,
    "attribute-limited": _NOTHING,
    "attribute-twice": msg("Write it in one of the two places, or the same in both."),
    "attribute-type": msg("Correct the form of the value; the reference of the Compose file shows it."),
    "attribute-unknown": msg("Remove it, or look up its right name."),
    "attribute-value": _VALUE,
    "bind-copied": msg("Nothing has to be changed; what a container writes there does not come back to your folder."),
    "bind-source-missing": msg("Put the folder into the submission if something must be in it."),
    "build-arg": msg("Remove it from args:."),
    "build-context": msg("Write the folder that holds the Dockerfile, relative to the compose file."),
    "build-context-missing": _PATH,
    "build-target": msg("Write a name that stands behind AS in the Dockerfile, or remove target:."),
    "compose-file-below": _NOTHING,
    "compose-file-ignored": msg("Keep one compose file, or hand in what counts under the name that comes first."),
    "compose-not-mapping": msg("Write services: and below it one entry for each service."),
    "compose-override-ignored": msg("Write what counts into the compose file itself."),
    "data-left-behind": msg("Nothing has to be changed; a folder with data need not be handed in."),
    "dependency-cycle": msg("Take one of them out of depends_on."),
    "dependency-not-started": msg("Start the other service too, or remove what refers to it."),
    "disk-exceeded": msg("Look at what grows: logs, data that is never removed, messages that come back for ever."),
    "dockerfile-empty": msg("Begin the Dockerfile with FROM and an image, such as FROM node:20-alpine."),
    "dockerfile-flag": msg("Remove the option, or write the instruction without it."),
    "dockerfile-from": msg("Write FROM image, or FROM image AS name, and name stages that stand above."),
    "dockerfile-frontend": msg("Remove the line # syntax=, or write # syntax=docker/dockerfile:1."),
    "dockerfile-heredoc": msg("Close the text with its word alone on a line, or put it into a file and COPY that."),
    "dockerfile-instruction": msg("Correct the word at the beginning of the line, or remove the line."),
    "dockerfile-syntax": _DOCKERFILE,
    "dockerfile-too-large": msg("Put long scripts into files of the submission and copy those."),
    "dockerfile-twice": msg("Keep one of the two."),
    "dockerignore-pattern": msg(
        "Correct the line: a [ needs its ], and a ! the name of what is not to be left out; docker build says it too."
    ),
    "entry-repeated": msg("Make the archive anew from your folder, so that every file is in it once."),
    "env-name-reserved": msg("Give the variable another name if your programs need it."),
    "env-syntax": _ENV_LINE,
    "env-too-large": _SMALLER,
    "extends-cycle": _CYCLE,
    "extends-depth": _FLATTER,
    "extends-missing": _PATH,
    "extends-too-large": _FLATTER,
    "file-missing": _PATH,
    "file-too-large": _SMALLER,
    "file-undeclared": msg("Declare it at the top level of the compose file, or correct its name."),
    "findings-left-out": msg("Mend those that are shown; grade again to see the others."),
    "folder-entered": _NOTHING,
    "foreign-container": msg("Name a service of this compose file."),
    "include-cycle": _CYCLE,
    "include-depth": _FLATTER,
    "include-missing": _PATH,
    "interpolation-syntax": _DOLLAR,
    "interpolation-too-large": msg("Write shorter values into .env."),
    "isolation": _REMOVE,
    "models": _REMOVE,
    "mount-mode": msg("Write ro, rw or nothing behind the second colon."),
    "mount-propagation": _REMOVE,
    "mount-replaced": msg("Keep one mount for each path of the container."),
    "mount-subpath": msg("Write a relative path without .. in it."),
    "mount-syntax": msg("Write it as source:target, or source:target:ro."),
    "mount-target": msg("Mount it at an absolute path of its own, such as /data."),
    "mount-type": msg("Use a named volume, a file or folder of the submission, or tmpfs."),
    "name-malformed": msg("Use letters, digits, hyphens and underscores, at most 60 of them."),
    "name-taken": msg("Choose a name that no other service has."),
    "network-mode": msg("Remove network_mode: or networks:."),
    "network-options": _REMOVE,
    "not-utf8": _UTF8,
    "path-outside": msg("Put the file into the submission and name it relative to the compose file."),
    "privileged": _REMOVE,
    "run-mount": msg("Install or copy in the RUN itself; what is needed must be in the submission or public."),
    "service-left-out": msg("Nothing has to be changed; at home it starts as it is written."),
    "service-not-started": msg("Nothing has to be changed if the assignment does not need it; else remove profiles:."),
    "service-unknown": msg("Name a service of this compose file."),
    "several-documents": msg("Remove the second --- and what stands behind it, or write it into the first document."),
    "special-file": msg("Remove it: hand in files and folders only."),
    "start-tried-again": msg("Nothing has to be changed for this."),
    "swarm-only": _REMOVE,
    "too-many": _FEWER,
    "too-many-containers": msg("Lower replicas: and remove services that the assignment does not need."),
    "too-many-files": msg("Write what counts into fewer files."),
    "too-many-ports": msg("Name only the ports that are used; a wide range is not needed."),
    "too-many-replicas": msg("Write a smaller number under replicas:."),
    "too-many-services": msg("Remove services that the assignment does not need."),
    "unreadable-file": msg("Make the file readable for yourself (chmod u+r), or leave it out."),
    "variable-required": _VARIABLE,
    "version-obsolete": msg("Nothing has to be changed; the line may go."),
    "volume-name": msg("Use letters, digits, dots, hyphens and underscores; a path begins with ./"),
    "witness-changed": msg("Remove it: the broker or database must run as its image has it."),
    "workdir": msg("Choose a folder such as /app; not /proc, /sys or /dev, and without .. in it."),
    "yaml-alias-loop": _CORRECT,
    "yaml-duplicate-key": msg("Keep one of the two."),
    "yaml-key": _CORRECT,
    "yaml-merge": _CORRECT,
    "yaml-syntax": _CORRECT,
    "yaml-tag": _CORRECT,
    "yaml-too-deep": _CORRECT,
    "yaml-too-large": _CORRECT,
}
