FROM ${I:-evil/x:1}
