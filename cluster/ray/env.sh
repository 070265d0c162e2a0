# Sourced by every command of cluster.yaml and cloud.yaml, on every node: `. cluster/ray/env.sh`.
export PATH=/shared/lolvit-bench/.venv/bin:$PATH
# Anyone who can reach Ray's ports can run code on the cluster, so Ray requires a token. The head
# creates the file in the shared folder, readable by its owner only.
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH=/shared/ray-token
export RAY_USAGE_STATS_ENABLED=0
