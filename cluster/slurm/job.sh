# Sourced by sweep.sbatch and ray.sbatch, in the project's folder.

# seconds_left MARGIN: how long a sweep may take so that MARGIN seconds of the job remain.
seconds_left() {
  local end=${SLURM_JOB_END_TIME:-} # which older versions of Slurm do not set it
  if [ -z "$end" ]; then
    end=$(field EndTime)
    end=$(date -d "$end" +%s 2>/dev/null) || {
      echo "job $SLURM_JOB_ID has no end time ($end): give sbatch a --time" >&2
      return 2
    }
  fi
  local left=$((end - $(date +%s) - $1))
  if [ "$left" -lt 60 ]; then
    echo "only $((left + $1)) s of job $SLURM_JOB_ID are left, and $1 s are kept for the end" >&2
    return 2
  fi
  echo "$left"
}

# field NAME: what Slurm says of this job, as in EndTime=2026-01-31T04:00:00.
field() {
  scontrol show job --oneliner "$SLURM_JOB_ID" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# until_term COMMAND...: run it, pass TERM on to it and wait for it. What TERM cut short is put
# back into the queue; other endings are the job's ending, with the same exit code.
until_term() {
  local child='' code=0
  terminated=''
  trap 'terminated=yes; if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null || :; fi' TERM
  "$@" &
  child=$!
  # It may have come before there was a child.
  if [ -n "$terminated" ]; then kill -TERM "$child" || :; fi
  wait "$child" || code=$?
  # A trapped signal ends `wait`, not the child.
  while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  trap '' TERM # `scontrol requeue` sends it again
  # 130: interrupted, and everything kept. 143: killed before Python was ready. An scancel also
  # sends TERM, but then the job is no longer running, and stays out of the queue.
  if [ -n "$terminated" ] && [ "$code" -ge 128 ] && [ "$(field JobState)" = RUNNING ]; then
    echo "put back into the queue; the next run of job $SLURM_JOB_ID goes on"
    scontrol requeue "$SLURM_JOB_ID"
  fi
  return "$code"
}
