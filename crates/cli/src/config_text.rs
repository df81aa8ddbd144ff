//! The config that `init` writes, with its comments.

use std::fmt::Write as _;
use std::path::Path;

use tillwise_ingest::inspect::Proposal;
use tillwise_ingest::{ColumnRef, Columns};

/// Text that may stand in a comment.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A TOML string.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|t| quoted(t)).collect::<Vec<_>>().join(", "))
}

fn parts(columns: &Columns) -> [(&'static str, &Option<ColumnRef>, &'static str); 14] {
    [
        ("customer", &columns.customer, "who buys"),
        ("order", &columns.order, "the order, invoice or receipt; without it every row is an order"),
        ("date", &columns.date, "when"),
        ("product", &columns.product, "what"),
        ("quantity", &columns.quantity, "units"),
        ("price", &columns.price, "money per unit"),
        ("amount", &columns.amount, "money of the line; wins over quantity times price"),
        ("category", &columns.category, "carried on"),
        ("country", &columns.country, "carried on"),
        ("channel", &columns.channel, "carried on"),
        ("store", &columns.store, "carried on"),
        ("currency", &columns.currency, "must be one and the same in all rows"),
        ("unit_cost", &columns.unit_cost, "cost per unit"),
        ("cancelled", &columns.cancelled, "marks cancelled orders"),
    ]
}

/// The whole config file.
pub fn config_text(p: &Proposal) -> String {
    let mut t = String::from(
        "# Written by `tillwise init`. Every key is explained in README.md; those left out have defaults.\n",
    );
    for note in &p.notes {
        let _ = writeln!(t, "# Seen: {}.", comment(note));
    }
    for guess in &p.unsure {
        let _ = writeln!(t, "# UNSURE: {}.", comment(guess));
    }
    let i = &p.input;
    let _ = writeln!(
        t,
        "\n[input]\nfiles = {}            # globs such as \"exports/*.csv.gz\" work too",
        list(&i.files)
    );
    let _ = writeln!(t, "delimiter = {}", quoted(&i.delimiter));
    let _ = writeln!(t, "encoding = {}", quoted(&i.encoding));
    let _ = writeln!(t, "header = {}", i.header);
    let _ = writeln!(
        t,
        "date_format = {}       # \"iso\", or a pattern such as \"%d/%m/%Y %H:%M\"",
        quoted(&i.date_format)
    );
    let _ = writeln!(t, "decimal = {}", quoted(&i.decimal.to_string()));
    let _ = writeln!(t, "thousands = {}", quoted(&i.thousands));

    let _ = writeln!(t, "\n[columns]");
    for (key, column, doc) in parts(&p.columns) {
        match column {
            Some(ColumnRef::Name(name)) => drop(writeln!(t, "{key} = {}  # {doc}", quoted(name))),
            Some(ColumnRef::Number(n)) => drop(writeln!(t, "{key} = {n}  # {doc}")),
            None => drop(writeln!(t, "# {key} =   # {doc}")),
        }
    }
    let _ = writeln!(t, "# The columns, each with its first value:");
    for (name, example) in &p.seen {
        let example: String = example.chars().take(60).collect();
        let _ = writeln!(t, "#   {}: {}", comment(name), comment(&example));
    }

    let c = &p.cleaning;
    let _ = writeln!(t, "\n[cleaning]");
    let _ = writeln!(
        t,
        "returns = \"net\"                  # net: subtracted from the customer; separate; exclude"
    );
    let _ = writeln!(
        t,
        "cancelled_prefix = {}           # order numbers that begin so are cancelled",
        quoted(&c.cancelled_prefix)
    );
    let _ = writeln!(t, "zero_amount = \"reject\"           # keep: lines of zero count as orders");
    let _ = writeln!(
        t,
        "repeats_within_file = \"keep\"     # drop: rows that repeat another in every field count once"
    );
    let _ = writeln!(t, "repeats_across_files = \"drop\"    # where exports overlap");
    if p.odd_products.is_empty() {
        let _ = writeln!(t, "# not_products = [\"POST\", \"TEST*\"] # codes whose rows are rejected");
    } else {
        let _ = writeln!(t, "# These codes do not look like products; take the # away to reject their rows:");
        let _ = writeln!(t, "# not_products = {}", comment(&list(&p.odd_products)));
    }

    t.push_str(REST);
    t
}

const REST: &str = r#"
[gates]
max_reject_share = 0.5   # more rejected rows than this fail the run
# min_rows_vs_last = 0.8 # fewer accepted rows than this share of the last run's fail it
# max_age_days = 7       # a last order older than this fails it

[run]
out = "out"
as_of = "last"           # the last order's day; "last+1", or a date
seed = 20111209
# memory_limit = "1GB"

[rfm]
bins = 5
segments = "ten"         # `tillwise segments` shows the maps there are
compare_days = 30        # who changed segment since then

[cluster]
k = "auto"               # or a number
method = "kmeans"        # or mini_batch, gaussian_mixture, density

[churn]
horizon_days = 90        # no order in this many days is churn

[clv]
model = "bg_nbd"         # or "auto": the one that does best on the last holdout_days
horizon_days = 365
margin = 1.0             # margin per unit of revenue; at 1, CLV is revenue
annual_discount_rate = 0.1

[basket]
min_support = 0.01       # baskets that must hold a set: a share with a point, a count without one
min_confidence = 0.25

[offer]
per_customer = 5
# stock_file = "stock.csv" # product,units: only what is in stock is offered

[cohort]
period = "month"         # or week, quarter, year
# by = ["country"]       # also split by this, as it was in the first order

[value]
bridge_days = 365        # what changed between the last so many days and those before
"#;

/// What `init` tells the user.
pub fn findings(p: &Proposal, output: &Path) -> String {
    let mut t = format!("Wrote {}\n", output.display());
    let used: Vec<String> = parts(&p.columns)
        .iter()
        .filter_map(|(key, column, _)| column.as_ref().map(|c| format!("{key} = {c}")))
        .collect();
    let _ = writeln!(t, "  columns: {}", used.join(", "));
    let i = &p.input;
    let _ = writeln!(
        t,
        "  read as: delimiter {}, encoding {}, {} header, dates {}, decimal mark {}",
        i.delimiter,
        i.encoding,
        if i.header { "a" } else { "no" },
        i.date_format,
        i.decimal
    );
    for note in &p.notes {
        let _ = writeln!(t, "  seen: {note}");
    }
    if !p.odd_products.is_empty() {
        let _ = writeln!(t, "  seen: codes that do not look like products: {}", p.odd_products.join(", "));
    }
    for guess in &p.unsure {
        let _ = writeln!(t, "  unsure: {guess}");
    }
    let _ = writeln!(t, "Look it through, then: tillwise run {}", output.display());
    t
}
