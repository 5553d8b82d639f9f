#!/bin/sh
# A cohort on a Slurm cluster: each task of the array does its part of the series.
#
#   sbatch --array=1-16 examples/slurm.sh COHORT RESULTS
#   sbatch --dependency=afterany:JOB --wrap "spinetk gather RESULTS"
#
# What a lost node or a time limit left undone is done when the first command is given again. spinetk must be on
# the PATH of the nodes, and both folders on a file system that they share.
#SBATCH --job-name=spinetk
#SBATCH --array=1-16
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --requeue
set -eu
exec spinetk segment "$1" -o "$2" --key-from folder --continue \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
