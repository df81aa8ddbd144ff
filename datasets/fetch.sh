#!/usr/bin/env bash
# Fetches public data sets into a folder for TILLWISE_DATASETS, and checks them. Needs python3 with pip.
#   datasets/fetch.sh FOLDER
set -euo pipefail
to=${1:?usage: datasets/fetch.sh FOLDER}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check() { # FILE SHA256
    if [ "$(sha256sum "$1" | cut -d' ' -f1)" != "$2" ]; then
        echo "$1 is not the file that was expected; it is left in place for you to look at" >&2
        exit 1
    fi
    echo "$1: as expected"
}

# CDNOW, from the wheel of lifetimes on PyPI.
mkdir -p "$to/cdnow"
python3 -m pip download --quiet --no-deps --only-binary :all: -d "$work" lifetimes==0.11.3
python3 -m zipfile -e "$work"/*.whl "$work/lifetimes"
cp "$work"/lifetimes/lifetimes/datasets/CDNOW_{master,sample}.txt "$to/cdnow/"
check "$to/cdnow/CDNOW_sample.txt" 6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a
check "$to/cdnow/CDNOW_master.txt" eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef

cat <<'EOF'
Not fetched, for want of a stable address or of the same bytes:
  online_retail_ii/  UCI data set 502: save both sheets of the workbook as one CSV, then zstd it
  iranian_shop/      GitHub, mamomen1996/R_CS_09: CS_09.csv
  rfm_orders/        R package rfm: write.csv(rfm::rfm_data_orders, "rfm_data_orders.csv", row.names = FALSE)
EOF
