#!/usr/bin/env bash
# Makes a new instance of Agent Platform Workbench ready for the course. The instance runs it by itself, as root,
# when its metadata name it as post-startup-script. It reads from the metadata of the instance:
#
#   teachkit-course     gs://BUCKET/PREFIX, to which the instructor published; the only one that must be there
#   teachkit-data       gs://BUCKET/PREFIX of the data sets              -> TEACHKIT_BUCKET
#   teachkit-exchange   gs://BUCKET/PREFIX for handing in                -> TEACHKIT_EXCHANGE
#   teachkit-student    id of the student                                -> TEACHKIT_STUDENT
#   teachkit-term       term, if questions have numbers of their own     -> TEACHKIT_TERM
#
# Run it as often as you like: what is done is not done again, and what a student wrote is never touched.
# Everything lies below /home/jupyter, on the data disk, and so survives an upgrade of the instance.
set -Eeuo pipefail  # -E: functions inherit the trap that reports a failure
umask 022

readonly COURSE_USER=jupyter HOME_DIR=/home/jupyter
readonly STATE=$HOME_DIR/.teachkit COURSE=$HOME_DIR/course
readonly ENVIRONMENT=$STATE/env LOG=$STATE/setup.log FAILED=$HOME_DIR/SETUP_FAILED.txt
readonly FETCHED=/var/cache/teachkit
STEP="beginning"
REMEDY="Read $LOG and run the script again."
WARNINGS=0

say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }
warn() { WARNINGS=$((WARNINGS + 1)); say "WARNING: $*"; }
step() { STEP=$1 REMEDY=$2; say "== $STEP"; }
as_user() { runuser -u "$COURSE_USER" -- env --chdir="${WHERE:-/}" HOME="$HOME_DIR" "$@"; }

fail() {
  trap - ERR
  say "FAILED while $STEP: $*"
  say "What to do: $REMEDY"
  printf 'The setup of this machine failed while %s: %s\nWhat to do: %s\nThe whole log: %s\n' \
    "$STEP" "$*" "$REMEDY" "$LOG" | as_user tee "$FAILED" >/dev/null
  exit 1
}

metadata() {
  curl --silent --fail --max-time 10 --retry 3 --retry-delay 1 --retry-connrefused \
    --header 'Metadata-Flavor: Google' \
    "http://${GCE_METADATA_HOST:-metadata.google.internal}/computeMetadata/v1/instance/$1"
}
attribute() { metadata "attributes/$1" || true; }

declare -A SETTINGS=()
read_settings() {
  step "reading the metadata" "Check the metadata teachkit-* of this instance; then stop and start it."
  local attributes=(data exchange student term) variables=(BUCKET EXCHANGE STUDENT TERM) value i
  for i in "${!attributes[@]}"; do
    value=$(attribute "teachkit-${attributes[i]}")
    [[ -n $value ]] || continue
    # they are written into files that a shell and Python read
    [[ $value =~ ^[A-Za-z0-9@._:/+-]+$ ]] || fail "teachkit-${attributes[i]} holds odd characters: '$value'"
    SETTINGS["TEACHKIT_${variables[i]}"]=$value
  done
}

# The bundle that the instructor published last, its hash compared: one for the student, one that only root can write.
fetch_course() {
  step "fetching the course" "Check the metadata teachkit-course, and give the account of this instance \
($ACCOUNT) the role Storage Object Viewer on that folder. Then stop and start the instance."
  [[ $URL == gs://* ]] || fail "the metadata teachkit-course is '$URL' and not gs://BUCKET/PREFIX"
  local digest name
  gcloud storage cp --quiet "$URL/course.sha256" "$FETCHED/course.sha256" || fail "$URL/course.sha256 cannot be read"
  read -r digest name <"$FETCHED/course.sha256" || true
  [[ $digest =~ ^[0-9a-f]{64}$ && $name =~ ^course-[0-9a-f-]+\.bundle$ ]] ||
    fail "$URL/course.sha256 does not hold one hash and one name"
  if ! same "$digest" "$FETCHED/course.bundle"; then
    gcloud storage cp --quiet "$URL/$name" "$FETCHED/course.bundle" || fail "$URL/$name cannot be read"
    same "$digest" "$FETCHED/course.bundle" || fail "$name is damaged: its hash is not $digest"
  fi
  if ! same "$digest" "$STATE/course.bundle"; then
    as_user cp "$FETCHED/course.bundle" "$STATE/course.bundle.new"
    as_user mv "$STATE/course.bundle.new" "$STATE/course.bundle"
  fi
  say "$name"
}
same() { [[ -f $2 && $(sha256sum <"$2") == "$1 "* ]]; }

# A clone of the bundle. One that is there stays as it is: students take corrections with `make update`.
place_course() {
  step "placing the course" "Move the folder $COURSE away, then stop and start the instance."
  if [[ ! -e $COURSE ]]; then
    as_user rm -rf "$COURSE.new"
    as_user git clone --quiet --branch main "$STATE/course.bundle" "$COURSE.new"
    as_user mv "$COURSE.new" "$COURSE"
  fi
  [[ -f $COURSE/notebooks/course.toml ]] || fail "$COURSE is there and holds no course"
  as_user git -C "$COURSE" fetch --quiet || fail "$COURSE takes no corrections from $STATE/course.bundle"
  # ours in the copy, and no work of the student
  grep -qxF .venv "$COURSE/.git/info/exclude" || echo .venv | as_user tee -a "$COURSE/.git/info/exclude" >/dev/null
}

# Python and the locked packages. Another lock brings the environment up to date.
make_environment() {
  step "making the environment" "Look for the first error of pip in $LOG; is the disk full, or the network closed? \
Then stop and start the instance; what arrived is not fetched again."
  local wanted
  wanted=$(cat "$COURSE/environment.yml" "$COURSE/requirements.lock" | sha256sum)
  if [[ $(cat "$ENVIRONMENT/teachkit.lock" 2>/dev/null) == "$wanted" ]]; then
    say "there already"
    return
  fi
  if [[ -f $ENVIRONMENT/teachkit.lock ]]; then
    as_user "$ENVIRONMENT/bin/python" -m pip install --quiet --require-hashes --requirement "$COURSE/requirements.lock"
  else
    as_user rm -rf "$ENVIRONMENT"  # half an environment of an attempt that was interrupted
    local conda create
    conda=$(command -v micromamba || command -v conda) || fail "neither micromamba nor conda is installed"
    [[ $conda == */micromamba ]] && create=(create --yes) || create=(env create)
    WHERE=$COURSE as_user "$conda" "${create[@]}" --quiet --prefix "$ENVIRONMENT" --file environment.yml ||
      fail "$(basename "$conda") could not install the packages"
  fi
  echo "$wanted" | as_user tee "$ENVIRONMENT/teachkit.lock" >/dev/null
}

install_package() {
  step "installing the package of the course" "Stop and start the instance. If it fails again, publish again."
  local wheel wanted
  wheel=$(wheel_of "$COURSE") || fail "$COURSE/wheel does not hold one wheel"
  wanted=$(sha256sum <"$wheel")
  if [[ $(cat "$ENVIRONMENT/teachkit.wheel" 2>/dev/null) != "$wanted" ]]; then
    as_user "$ENVIRONMENT/bin/python" -m pip install --quiet --no-index --no-deps --force-reinstall "$wheel"
    echo "$wanted" | as_user tee "$ENVIRONMENT/teachkit.wheel" >/dev/null
  fi
  # `make lab` and `make update` of the students' copy then use this environment instead of a second one.
  if [[ ! -e $COURSE/.venv || -L $COURSE/.venv ]]; then
    as_user ln -sfn "$ENVIRONMENT" "$COURSE/.venv"
    as_user touch "$ENVIRONMENT/ready"
  fi
}

wheel_of() {
  local wheels=("$1"/wheel/teachkit-*.whl)
  [[ ${#wheels[@]} == 1 && -f ${wheels[0]} ]] && echo "${wheels[0]}"
}

# What the metadata say reaches terminals, kernels and the server.
write_settings() {
  step "writing the settings" "Stop and start the instance."
  local shell="export PATH=$ENVIRONMENT/bin:\$PATH" python="import os" name
  KERNEL_ENV=(--env PATH "$ENVIRONMENT/bin:\${PATH}")
  for name in "${!SETTINGS[@]}"; do
    KERNEL_ENV+=(--env "$name" "${SETTINGS[$name]}")
    shell+=$'\n'"export $name=${SETTINGS[$name]}"
    python+=$'\n'"os.environ[\"$name\"] = \"${SETTINGS[$name]}\""
  done
  echo "$shell" | as_user tee "$STATE/settings.sh" >/dev/null
  local line=". $STATE/settings.sh"
  grep -qxF "$line" "$HOME_DIR/.bashrc" 2>/dev/null || echo "$line" | as_user tee -a "$HOME_DIR/.bashrc" >/dev/null
  as_user mkdir -p "$HOME_DIR/.jupyter"
  printf '%s\nload_subconfig("%s/quizzes/nbgrader_config.py")\n' "$python" "$COURSE" |
    as_user tee "$HOME_DIR/.jupyter/nbgrader_config.py" >/dev/null
}

# Lessons ask for "python3". Where the kernels of the user come first they open in the course at once;
# elsewhere students choose "Course".
register_kernels() {
  step "registering the kernel" "Stop and start the instance."
  local name
  for name in course python3; do
    as_user "$ENVIRONMENT/bin/python" -m ipykernel install --user --name "$name" \
      --display-name "Course (Python 3.12)" "${KERNEL_ENV[@]}" >/dev/null
  done
}

# The Assignments tab lives in the environment that runs JupyterLab, which is not ours: we add packages and change
# none. Where that cannot be done, the commands `nbgrader fetch_assignment` and `submit` in a terminal do the same.
# This runs as root, so nothing of it comes from the student's copy.
extend_server() {
  step "adding the Assignments tab" "Students use nbgrader in a terminal."
  local python published=$FETCHED/published nbgrader wheel wanted
  python=$(server_python) || { warn "JupyterLab's own Python was not found. $REMEDY"; return; }
  [[ $(stat --format=%u "$python") == 0 ]] || { warn "$python is not root's. $REMEDY"; return; }
  rm -rf "$published"
  git clone --quiet --branch main "$FETCHED/course.bundle" "$published"
  nbgrader=$(grep -oE '^nbgrader==[^ ;\\]+' "$published/requirements.lock") || fail "the lock names no nbgrader"
  wheel=$(wheel_of "$published") || fail "the bundle does not hold one wheel"
  wanted="$nbgrader $(sha256sum <"$wheel")"
  if "$python" -I -c 'import sys; sys.exit(open(sys.prefix + "/teachkit.extensions").read() != sys.argv[1])' \
    "$wanted" 2>/dev/null; then
    say "there already"
  elif add_packages "$python" "$nbgrader" "$wheel"; then
    "$python" -I -c 'import sys; open(sys.prefix + "/teachkit.extensions", "w").write(sys.argv[1])' "$wanted"
    systemctl restart jupyter.service || warn "JupyterLab did not restart; stop and start the instance."
  else
    warn "nbgrader does not fit into JupyterLab's environment, which stays as it was. $REMEDY"
  fi
}
add_packages() {  # PYTHON NBGRADER WHEEL
  local pip=("$1" -I -m pip --quiet)
  "${pip[@]}" freeze >"$FETCHED/all.txt" || return
  grep -E '^[A-Za-z0-9_.-]+==' "$FETCHED/all.txt" | grep -v '^teachkit==' >"$FETCHED/server.txt"
  "${pip[@]}" install --constraint "$FETCHED/server.txt" "$2" google-cloud-storage "$3" || return
  # of two wheels with one version number pip would keep the older
  "${pip[@]}" install --no-index --no-deps --force-reinstall "$3"
}
server_python() {
  local found script
  if found=$(pgrep --oldest --full '^[^ ]*python[^ ]* [^ ]*jupyter-?lab'); then
    tr '\0' '\n' <"/proc/$found/cmdline" | head -n 1
  elif script=$(command -v jupyter-lab); then
    sed -n '1s/^#!//p' "$script"
  else
    return 1
  fi
}

check_idle() {
  step "checking the idle shutdown" "Set an idle shutdown of 60 minutes on the page of this instance in the console."
  local seconds
  seconds=$(attribute idle-timeout-seconds)
  if [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
    say "this machine stops by itself after $((seconds / 60)) idle minutes; its disk is paid for all the same"
  else
    warn "no idle-timeout-seconds in the metadata: the machine may run, and cost, for hours after class. $REMEDY"
  fi
}

set_up() {
  trap 'fail "line $LINENO: $BASH_COMMAND"' ERR
  step "asking the metadata server" "This script is for Workbench instances; on a laptop type: make lab"
  metadata id >/dev/null || fail "it does not answer"
  ACCOUNT=$(metadata service-accounts/default/email) || ACCOUNT="unknown"
  URL=$(attribute teachkit-course)
  URL=${URL%/}
  read_settings
  fetch_course
  place_course
  make_environment
  install_package
  write_settings
  register_kernels
  extend_server
  check_idle
  as_user rm -f "$FAILED"
  as_user git -C "$COURSE" rev-parse HEAD | as_user tee "$STATE/ready" >/dev/null
  say "Ready, $WARNINGS warnings. Open $COURSE/notebooks/00_start_here.ipynb; the kernel is \"Course (Python 3.12)\"."
}

cd /  # what lies in the folder of whoever starts this is not ours
[[ $(id -u) == 0 ]] || { echo "Run this as root: sudo bash $0" >&2; exit 1; }
mkdir -p "$FETCHED"
exec 9>"$FETCHED/lock"
flock --nonblock 9 || { echo "The setup is running already." >&2; exit 0; }
as_user mkdir -p "$STATE"
set_up 2>&1 | as_user tee -a "$LOG"
