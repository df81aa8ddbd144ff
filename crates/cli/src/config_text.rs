//! The config that `init` writes, with its comments.

use std::fmt::Write as _;
use std::path::Path;

use std::borrow::Cow;
use tillwise_ingest::inspect::{Account, Proposal};
use tillwise_ingest::{ColumnRef, Columns, Different, Input, NegativePrice, OneOrMore, ZeroAmount};

use tillwise_core::{figures::grouped, shown};
use tillwise_pipeline::Analysis;

/// Text that may stand in a comment.
fn comment(text: &str) -> String {
    shown(&text.replace(['\n', '\t'], " ")).into_owned()
}

/// A TOML string.
pub fn quoted(text: &str) -> String {
    let quoted = toml::Value::String(text.to_owned()).to_string();
    if shown(&quoted) == quoted {
        return quoted;
    }
    // TOML takes marks of direction as they are; an editor would obey them.
    let escaped = |c: char| match shown(c.encode_utf8(&mut [0; 4])) {
        Cow::Borrowed(_) => String::from(c),
        Cow::Owned(_) => format!("\\U{:08X}", u32::from(c)),
    };
    quoted.chars().map(escaped).collect()
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|t| quoted(t)).collect::<Vec<_>>().join(", "))
}

fn one_or_more(texts: &OneOrMore<String>) -> String {
    match texts {
        OneOrMore::One(text) => quoted(text),
        OneOrMore::More(texts) => list(texts),
    }
}

fn reference(column: &ColumnRef) -> String {
    match column {
        ColumnRef::Name(name) => quoted(name),
        ColumnRef::Number(n) => n.to_string(),
    }
}

fn references(columns: &[ColumnRef]) -> String {
    format!("[{}]", columns.iter().map(reference).collect::<Vec<_>>().join(", "))
}

type Line<'a> = (&'static str, &'a Option<ColumnRef>, &'static str);

fn parts(c: &Columns) -> Vec<Line<'_>> {
    vec![
        ("customer", &c.customer, "who buys"),
        ("order", &c.order, "the order, invoice or receipt; without it every row is an order"),
        ("date", &c.date, "when"),
        ("product", &c.product, "what, by a code"),
        ("product_name", &c.product_name, "its name"),
        ("quantity", &c.quantity, "units"),
        ("price", &c.price, "money per unit"),
        ("amount", &c.amount, "money of the line; wins over quantity times price"),
        (
            "discount",
            &c.discount,
            "money that is not yet off; it is subtracted, so revenue is net of discounts",
        ),
        ("tax", &c.tax, "tax within the money; it is subtracted"),
        ("shipping", &c.shipping, "shipping within the money; it is subtracted"),
        ("refunded", &c.refunded, "money given back on the same row; it is subtracted"),
        ("credit", &c.credit, "money that goes the other way: a return"),
        ("category", &c.category, "carried on"),
        ("country", &c.country, "carried on"),
        ("channel", &c.channel, "carried on"),
        ("store", &c.store, "carried on"),
        ("currency", &c.currency, "must be one and the same in all rows"),
        ("unit_cost", &c.unit_cost, "cost per unit"),
        ("cancelled", &c.cancelled, "marks cancelled orders"),
        ("status", &c.status, "says what a row is: see not_sales and returned"),
    ]
}

/// The whole config file.
pub fn config_text(p: &Proposal) -> String {
    let mut t = String::from(
        "# Written by `tillwise init`. Every key is explained in the manual; those left out have defaults.\n",
    );
    for note in &p.notes {
        let _ = writeln!(t, "# Seen: {}.", comment(note));
    }
    for guess in &p.unsure {
        let _ = writeln!(t, "# UNSURE: {}.", comment(guess));
    }
    let fill_in = |t: &mut String, table: &str| {
        for open in p.open.iter().filter(|o| o.table == table) {
            let _ = writeln!(t, "# FILL IN {}: {}. Take this line away then.", open.key, comment(&open.what));
            let _ = writeln!(t, "# {} = \"\"", open.key);
        }
    };
    input_text(&mut t, &p.input);

    let _ = writeln!(t, "\n[columns]");
    fill_in(&mut t, "columns");
    for (key, column, doc) in parts(&p.columns) {
        match column {
            Some(column) => drop(writeln!(t, "{key} = {}  # {doc}", reference(column))),
            None if p.open.iter().any(|o| o.key == key) => {}
            None => drop(writeln!(t, "# {key} =   # {doc}")),
        }
        if key == "order" && !p.columns.order_within.is_empty() {
            let _ = writeln!(
                t,
                "order_within = {}  # an order's number is its own only together with these",
                references(&p.columns.order_within)
            );
        }
    }
    let _ = writeln!(t, "# The columns, each with its first values:");
    for (name, examples) in &p.seen {
        let shown: Vec<String> =
            examples.iter().map(|e| comment(&e.chars().take(40).collect::<String>())).collect();
        let _ = writeln!(t, "#   {}: {}", comment(name), shown.join(" | "));
    }

    let c = &p.cleaning;
    let _ = writeln!(t, "\n[cleaning]");
    fill_in(&mut t, "cleaning");
    for (key, values, doc) in [
        ("not_sales", &c.not_sales, "rows with these states are no sales"),
        ("returned", &c.returned, "rows with these states take money back"),
        ("no_customer", &c.no_customer, "ids that name nobody"),
        ("totals", &c.totals, "ids of rows that sum up others"),
    ] {
        if !values.is_empty() {
            let _ = writeln!(t, "{key} = {}  # {doc}", list(values));
        }
    }
    if p.columns.cancelled.is_some() {
        let _ = writeln!(
            t,
            "cancelled_values = {}  # what the column `cancelled` says of cancelled orders",
            list(&c.cancelled_values)
        );
    }
    if c.fold_case {
        let _ = writeln!(
            t,
            "fold_case = true                 # ids in capitals and in small letters are one customer"
        );
    }
    if c.numeric_customers {
        let _ = writeln!(t, "numeric_customers = true         # leading zeros and thousands marks do not tell customers apart");
    }
    let _ = writeln!(
        t,
        "returns = \"net\"                  # net: subtracted from the customer; separate; exclude"
    );
    let _ = writeln!(
        t,
        "cancelled_prefix = {}           # order numbers that begin so are cancelled",
        quoted(&c.cancelled_prefix)
    );
    let zero = if c.zero_amount == ZeroAmount::Keep { "\"keep\" " } else { "\"reject\"" };
    let _ = writeln!(t, "zero_amount = {zero}           # reject, or keep: lines of zero count as orders");
    if c.negative_price == NegativePrice::Return {
        let _ = writeln!(
            t,
            "negative_price = \"return\"        # lines with a negative price count against the order"
        );
    }
    let _ = writeln!(
        t,
        "repeats_within_file = \"keep\"     # drop: rows that repeat another in every field count once"
    );
    let _ = writeln!(t, "repeats_across_files = \"drop\"    # where exports overlap; the later file wins");
    if p.odd_products.is_empty() {
        let _ = writeln!(t, "# not_products = [\"POST\", \"TEST*\"] # codes whose rows are rejected");
    } else {
        let _ = writeln!(t, "# These codes do not look like products; take the # away to reject their rows:");
        let _ = writeln!(t, "# not_products = {}", comment(&list(&p.odd_products)));
    }

    let share = p.max_reject_share.map_or("0.5 ".to_owned(), |share| format!("{share:.2}"));
    let _ = writeln!(t, "\n[gates]\nmax_reject_share = {share}  # more rejected rows than this fail the run");
    let jalali = |formats: &OneOrMore<String>| formats.all().iter().any(|f| f.starts_with("jalali"));
    if jalali(&p.input.date_format) {
        // Whoever dates orders so counts months and weeks so.
        t.push_str(&REST.replace("# calendar =", "calendar =").replace("# week_start =", "week_start ="));
    } else {
        t.push_str(REST);
    }
    for analysis in Analysis::all() {
        let _ = write!(t, "\n{}", analysis.proposal());
    }
    t
}

fn input_text(t: &mut String, i: &Input) {
    let usual = Input::default();
    let _ = writeln!(
        t,
        "\n[input]\nfiles = {}            # globs such as \"exports/*.csv.gz\" work too",
        list(&i.files)
    );
    let _ = writeln!(t, "delimiter = {}", quoted(&i.delimiter));
    if i.quote != usual.quote {
        let _ = writeln!(t, "quote = {}               # quotes are text", quoted(&i.quote));
    }
    if i.escape != usual.escape {
        let _ = writeln!(t, "escape = {}", quoted(&i.escape));
    }
    let _ = writeln!(t, "encoding = {}", quoted(&i.encoding));
    let _ = writeln!(t, "header = {}", i.header);
    if i.skip_lines > 0 {
        let _ = writeln!(t, "skip_lines = {}          # above the header", i.skip_lines);
    }
    let _ = writeln!(
        t,
        "date_format = {}       # \"iso\", a pattern such as \"%d/%m/%Y %H:%M\", \"jalali %Y/%m/%d\", or a list",
        one_or_more(&i.date_format)
    );
    let _ = writeln!(
        t,
        "# zone = \"Europe/Berlin\" # whose days count, where dates say how far they are from UTC"
    );
    let _ = writeln!(t, "decimal = {}", quoted(&i.decimal));
    let _ = writeln!(t, "thousands = {}", quoted(&i.thousands));
    if i.hundredths {
        let _ = writeln!(t, "hundredths = true       # money is written in whole cents");
    }
    if !i.fill_down.is_empty() {
        let _ = writeln!(
            t,
            "fill_down = {}  # blank cells repeat the one above, within an order",
            references(&i.fill_down)
        );
    }
    if let Some(column) = &i.overflow {
        let _ =
            writeln!(t, "overflow = {}   # delimiters without quotes stand in this text", reference(column));
    }
    for join in &i.join {
        let _ = writeln!(
            t,
            "\n[[input.join]]          # more columns of the same rows\nfile = {}\nkey = {}",
            quoted(&join.file),
            quoted(&join.key)
        );
    }
    for (name, different) in &i.file {
        let _ = writeln!(t, "\n[input.file.{}]          # what is different in this file", quoted(name));
        different_text(t, different);
    }
}

fn different_text(t: &mut String, d: &Different) {
    let texts = [
        ("delimiter", &d.delimiter),
        ("quote", &d.quote),
        ("escape", &d.escape),
        ("encoding", &d.encoding),
        ("decimal", &d.decimal),
        ("thousands", &d.thousands),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            let _ = writeln!(t, "{key} = {}", quoted(value));
        }
    }
    if let Some(formats) = &d.date_format {
        let _ = writeln!(t, "date_format = {}", one_or_more(formats));
    }
    if let Some(lines) = d.skip_lines {
        let _ = writeln!(t, "skip_lines = {lines}");
    }
    if let Some(hundredths) = d.hundredths {
        let _ = writeln!(t, "hundredths = {hundredths}");
    }
}

/// What a new config says beside its input; the analyses follow.
const REST: &str = r#"# min_rows_vs_last = 0.8 # fewer accepted rows than this share of the last run's fail it
# max_age_days = 7       # a last order older than this fails it

[run]
out = "out"
as_of = "last"           # the last order's day; "last+1", or a date
# calendar = "jalali"    # months, quarters and years of tables over time; without it, gregorian
# week_start = "saturday" # or "sunday"; without it, monday
seed = 20111209
# memory_limit = "1GB"
"#;

/// What `init` tells the user.
pub fn findings(p: &Proposal, output: &Path) -> String {
    let mut t = format!("Wrote {}\n", output.display());
    let used: Vec<String> = parts(&p.columns)
        .iter()
        .filter_map(|(key, column, _)| column.as_ref().map(|c| format!("{key} = {c}")))
        .collect();
    let _ = writeln!(t, "  columns: {}", comment(&used.join(", ")));
    let i = &p.input;
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.replace(' ', "blank") };
    let _ = writeln!(
        t,
        "  read as: delimiter {}, quote {}, escape {}, encoding {}, {} header, {} lines above it, dates {}, decimal mark {}, thousands {}",
        i.delimiter,
        or_none(&i.quote),
        or_none(&i.escape),
        i.encoding,
        if i.header { "a" } else { "no" },
        i.skip_lines,
        i.date_format.all().join(" or "),
        i.decimal,
        or_none(&i.thousands)
    );
    for note in &p.notes {
        let _ = writeln!(t, "  seen: {}", comment(note));
    }
    if !p.odd_products.is_empty() {
        let _ = writeln!(
            t,
            "  seen: codes that do not look like products: {}",
            comment(&p.odd_products.join(", "))
        );
    }
    for guess in &p.unsure {
        let _ = writeln!(t, "  UNSURE: {}", comment(guess));
    }
    if let Some(account) = &p.account {
        account_text(&mut t, account);
    }
    for open in &p.open {
        let _ = writeln!(t, "  FILL IN [{}] {}: {}", open.table, open.key, comment(&open.what));
    }
    if p.open.is_empty() {
        let _ = writeln!(t, "Look it through, then: tillwise run {}", output.display());
    } else {
        let _ =
            writeln!(t, "Fill in what is marked FILL IN in {0}, then: tillwise run {0}", output.display());
    }
    t
}

/// What the rows will come to with the config as it is.
fn account_text(t: &mut String, a: &Account) {
    let n = |n: u64| grouped(n as f64);
    let _ = writeln!(
        t,
        "  with it: {} rows = {} accepted + {} rejected; {} customers, {} net",
        n(a.rows),
        n(a.accepted),
        n(a.rows - a.accepted),
        n(a.customers as u64),
        grouped(a.net)
    );
    for r in a.rejected.iter().take(8) {
        let _ = writeln!(t, "    {} {}, first at {}", r.reason(), n(r.rows), comment(&r.first));
    }
    if a.files.len() > 1 {
        for f in a.files.iter().take(20) {
            let _ = writeln!(
                t,
                "    {}: {} rows, {} accepted, {} unreadable",
                comment(&f.file),
                n(f.rows),
                n(f.accepted),
                n(f.unreadable)
            );
        }
    }
    for m in a.months.iter().take(12) {
        let _ = writeln!(
            t,
            "    {}: {} rows accepted and {} unreadable",
            m.month,
            n(m.accepted),
            n(m.unreadable)
        );
    }
}
