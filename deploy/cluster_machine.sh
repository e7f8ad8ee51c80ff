#!/bin/bash
# Start script of a machine of a dask cluster (docs/many_machines.md), for Container-Optimized OS.
# What the machine is stands in its metadata: part (scheduler or worker), image, bucket, inside (addresses of the
# network that it may talk to).
set -euo pipefail

about() {
  curl --silent --fail --header "Metadata-Flavor: Google" \
    "http://metadata.google.internal/computeMetadata/v1/instance/attributes/$1"
}

TUNNEL=35.235.240.0/20 # from where tunnels of signed-in people come
export HOME=${COURSE_HOME:-/var/lib/course} # the one of root is read-only
mkdir -p "$HOME"
image=$(about image)
part=$(about part)
inside=$(about inside)
bucket=$(about bucket)

# This system accepts nothing but ssh. Neither rule is for the internet.
iptables -w -A INPUT -p tcp --source "$inside" -j ACCEPT
iptables -w -A INPUT -p tcp --source "$TUNNEL" --dport 8786 -j ACCEPT

case "$part" in
  scheduler) words=(scheduler --port 8786 --no-dashboard) ;;
  worker) words=(worker tcp://sweep-scheduler:8786 --nthreads 1 --nworkers "$(nproc)" --no-dashboard) ;;
  *)
    echo "The metadata 'part' is '$part'. Set it to scheduler or worker." >&2
    exit 1
    ;;
esac

docker-credential-gcr configure-docker --registries="${image%%/*}"
docker rm --force dask >/dev/null 2>&1 || true # after a restart of the machine
docker run --detach --name dask --restart=on-failure --network=host --env "TEACHKIT_BUCKET=$bucket" \
  "$image" dask "${words[@]}"
