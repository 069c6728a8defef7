FROM ${A:-${B:-evil/x:1}}
