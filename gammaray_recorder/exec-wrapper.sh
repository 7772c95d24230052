#!/bin/sh
# AWS_LAMBDA_EXEC_WRAPPER of a function that keeps its Handler: Lambda starts the runtime through
# this, and the runtime then loads the recorder, which loads the function's own handler.
case "$1" in
*python*)
    if [ -n "$_HANDLER" ] && [ "$_HANDLER" != gammaray_recorder.handler.handler ]; then
        export GAMMARAY_HANDLER="$_HANDLER"
        export _HANDLER=gammaray_recorder.handler.handler
    fi
    ;;
esac
exec "$@"
