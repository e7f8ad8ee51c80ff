#!/usr/bin/env bash
# Creates the triggers of this folder and their clocks. Run it again after a change: triggers are brought up to date,
# clocks that are there stay as they are.
#
#   export PROJECT=… REGION=europe-west4 BUCKET=gs://… ACCOUNT=builder@PROJECT.iam.gserviceaccount.com
#   export REPOSITORY=projects/PROJECT/locations/REGION/connections/CONNECTION/repositories/NAME
#   export GPU_IMAGE=… GPU_ACCOUNT=…       # both may be absent; then the nightly build skips the GPU, loudly
#   bash deploy/triggers/create.sh
set -euo pipefail
cd "$(dirname "$0")"

for name in PROJECT REGION BUCKET ACCOUNT REPOSITORY; do
  [[ -n ${!name:-} ]] || { echo "$name is not set; the first lines of $0 say what to set." >&2; exit 1; }
done
[[ $BUCKET == gs://* ]] || { echo "BUCKET is '$BUCKET' and not gs://NAME." >&2; exit 1; }
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

trigger() {  # FILE
  local file=$1
  sed -e "s|: REPOSITORY|: $REPOSITORY|" -e "s|: BUCKET|: $BUCKET|" \
    -e "s|: GPU_IMAGE|: ${GPU_IMAGE:-none}|" -e "s|: GPU_ACCOUNT|: ${GPU_ACCOUNT:-none}|" \
    -e "s|: ACCOUNT|: projects/$PROJECT/serviceAccounts/$ACCOUNT|" "$file" >"$made/$file"
  gcloud builds triggers import --source="$made/$file" --project="$PROJECT" --region="$REGION"
}

clock() {  # NAME SCHEDULE
  if gcloud scheduler jobs describe "$1" --project="$PROJECT" --location="$REGION" >/dev/null 2>&1; then
    echo "there already: clock $1"
    return
  fi
  gcloud scheduler jobs create http "$1" --project="$PROJECT" --location="$REGION" --schedule="$2" --time-zone=Etc/UTC \
    --uri="https://cloudbuild.googleapis.com/v1/projects/$PROJECT/locations/$REGION/triggers/$1:run" \
    --message-body='{}' --oauth-service-account-email="$ACCOUNT"
}

trigger pull_request.yaml
trigger main.yaml
trigger nightly_gpu.yaml
trigger weekly_lock.yaml
clock course-nightly-gpu "17 1 * * *"
clock course-weekly-lock "23 3 * * 1"
