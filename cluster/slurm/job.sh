# Sourced by sweep.sbatch and ray.sbatch, in the project's folder.

# seconds_left MARGIN: the time budget of a sweep that leaves MARGIN seconds of the job.
seconds_left() {
  local end=${SLURM_JOB_END_TIME:-} # older versions of Slurm do not set it
  if [ -z "$end" ]; then
    end=$(field EndTime)
    end=$(date -d "$end" +%s 2>/dev/null) || {
      echo "job $SLURM_JOB_ID has no end time ($end); pass --time to sbatch" >&2
      return 2
    }
  fi
  local left=$((end - $(date +%s) - $1))
  if [ "$left" -lt 60 ]; then
    echo "only $((left + $1)) s of job $SLURM_JOB_ID remain, but $1 s are reserved for its end" >&2
    return 2
  fi
  echo "$left"
}

# field NAME: a property of this job, as in EndTime=2026-01-31T04:00:00.
field() {
  scontrol show job --oneliner "$SLURM_JOB_ID" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# until_term COMMAND...: run a command, forward TERM to it and wait for it. If TERM interrupted it,
# requeue the job; otherwise return its exit code.
until_term() {
  local child='' code=0
  terminated=''
  trap 'terminated=yes; if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null || :; fi' TERM
  "$@" &
  child=$!
  # TERM may have arrived before the child was started.
  if [ -n "$terminated" ]; then kill -TERM "$child" || :; fi
  wait "$child" || code=$?
  # A trapped signal ends `wait`, but not the child.
  while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  trap '' TERM # `scontrol requeue` sends another one
  # 130: interrupted by TERM. 143: killed before Python had started. scancel also sends TERM, but
  # then the state of the job is no longer RUNNING, and it is not requeued.
  if [ -n "$terminated" ] && [ "$code" -ge 128 ] && [ "$(field JobState)" = RUNNING ]; then
    echo "requeued: the next run of job $SLURM_JOB_ID continues the sweep"
    scontrol requeue "$SLURM_JOB_ID"
  fi
  return "$code"
}
