# Read by every command of cluster.yaml and cloud.yaml, on every node: `. cluster/ray/env.sh`.
export PATH=/shared/lolvit-bench/.venv/bin:$PATH
# Whoever reaches Ray's ports can run code on the cluster: only those who know the token may.
# The file is made by the head node; it lies in the shared folder, readable for its owner alone.
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH=/shared/ray-token
export RAY_USAGE_STATS_ENABLED=0
