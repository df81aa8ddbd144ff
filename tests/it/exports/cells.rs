//! How dates and numbers are spelt.

use chrono::NaiveDate;
use tillwise_core::calendar::to_jalali;

use super::*;

#[test]
fn dates_in_their_spellings() {
    let lines = shop(1);
    let d = |name, date: &dyn Fn(&Line) -> String| one(name, "orders.csv", dated(&lines, date), &lines);
    let f = |pattern: &'static str| move |l: &Line| l.date.format(pattern).to_string();
    check(vec![
        d("day first", &f("%d/%m/%Y")),
        d("month first", &f("%m/%d/%Y")),
        d("unpadded, twelve hours", &|l: &Line| format!("{} {}", l.date.format("%-m/%-d/%Y"), twelve(l))),
        d("two digits of the year", &f("%d.%m.%y")),
        d("month in words", &f("%d-%b-%Y")),
        d("weekday in words", &f("%A, %d %B %Y")),
        d("rfc 2822", &|l: &Line| format!("{} {} +0000", l.date.format("%a, %d %b %Y"), l.time())),
        d("apache", &|l: &Line| format!("{}:{} +0000", l.date.format("%d/%b/%Y"), l.time())),
        d("hungarian", &f("%Y.%m.%d.")),
        d("japanese", &f("%Y年%m月%d日")),
        d("spanish words", &|l: &Line| {
            const MONTHS: [&str; 12] = [
                "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
                "octubre", "noviembre", "diciembre",
            ];
            let month = l.date.format("%m").to_string().parse::<usize>().unwrap();
            format!("{} de {} de {}", l.date.format("%-d"), MONTHS[month - 1], l.date.format("%Y"))
        }),
        d("compact with time", &|l: &Line| {
            format!("{}{}", l.date.format("%Y%m%d"), l.time().replace(':', ""))
        }),
        d("century", &f("1%y%m%d")),
        d("century and day of the year", &f("1%y%j")),
        d("year and day of the year", &f("%Y%j")),
        d("a zero lost by a spreadsheet", &f("%-d%m%Y")),
        d("number of the week behind", &f("%Y-%m-%d (W%V)")),
        d("ordinals", &|l: &Line| {
            let day = l.date.format("%-d").to_string();
            let ending = match day.as_str() {
                "1" | "21" | "31" => "st",
                "2" | "22" => "nd",
                "3" | "23" => "rd",
                _ => "th",
            };
            format!("{day}{ending} {}", l.date.format("%b %Y"))
        }),
        d("JavaScript", &|l: &Line| {
            let day = l.date.format("%a %b %d %Y");
            format!("{day} {} GMT+0100 (Central European Standard Time)", l.time())
        }),
        d(".NET", &|l: &Line| format!("/Date({}000)/", epoch(l))),
        d("seconds with a fraction", &|l: &Line| format!("{}.25", epoch(l))),
        d("half of the day and a zone", &|l: &Line| {
            format!("{} {} EST", l.date.format("%d-%b-%Y"), twelve(l))
        }),
        d("half of the day first", &|l: &Line| {
            let text = twelve(l);
            let (time, half) = text.split_once(' ').unwrap();
            format!("{} {} {time}:05", l.date, if half == "AM" { "오전" } else { "오후" })
        }),
        d("Japanese era", &|l: &Line| {
            let year: i32 = l.date.format("%Y").to_string().parse().unwrap();
            format!("令和{}年{}", year - 2018, l.date.format("%-m月%-d日"))
        }),
        d("Japanese era in short", &|l: &Line| {
            let year: i32 = l.date.format("%Y").to_string().parse().unwrap();
            format!("R{}.{}", year - 2018, l.date.format("%-m.%-d"))
        }),
        d("Buddhist years", &|l: &Line| {
            let year: i32 = l.date.format("%Y").to_string().parse().unwrap();
            format!("{}/{}", l.date.format("%d/%m"), year + 543)
        }),
        d("seconds since 1970", &|l: &Line| epoch(l).to_string()),
        d("milliseconds since 1970", &|l: &Line| format!("{}000", epoch(l))),
        d("days of Excel", &|l: &Line| {
            let days =
                l.date.signed_duration_since(NaiveDate::from_ymd_opt(1899, 12, 30).unwrap()).num_days();
            format!("{:.5}", days as f64 + f64::from(l.seconds) / 86_400.0)
        }),
        d("jalali", &|l: &Line| {
            let (y, m, d) = to_jalali(l.date).unwrap();
            format!("{y}/{m:02}/{d:02}")
        }),
        d("jalali in Persian words and digits", &|l: &Line| {
            const MONTHS: [&str; 12] = [
                "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن",
                "اسفند",
            ];
            let (y, m, d) = to_jalali(l.date).unwrap();
            persian(&format!("{d} {} {y}", MONTHS[m as usize - 1]))
        }),
        d("two formats in one file", &|l: &Line| {
            let format = if l.order < 500_200 { "%Y-%m-%d" } else { "%d.%m.%Y" };
            l.date.format(format).to_string()
        }),
    ]);
}

fn twelve(l: &Line) -> String {
    let (hour, minute) = (l.seconds / 3600, l.seconds / 60 % 60);
    format!(
        "{}:{minute:02} {}",
        if hour % 12 == 0 { 12 } else { hour % 12 },
        if hour < 12 { "AM" } else { "PM" }
    )
}

fn epoch(l: &Line) -> i64 {
    l.date.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp() + i64::from(l.seconds)
}

/// A head whose days are all below the thirteenth does not decide for the whole file.
#[test]
fn the_whole_file_decides() {
    let mut lines = shop(1);
    let start = NaiveDate::from_ymd_opt(2023, 1, 1).unwrap();
    // A thousand lines a day: the first megabyte is of early January alone.
    lines = (0..40)
        .flat_map(|day| {
            let date = start + chrono::TimeDelta::days(day);
            lines
                .iter()
                .cycle()
                .take(1000)
                .cloned()
                .enumerate()
                .map(move |(i, l)| Line { date, order: 600_000 + day as u32 * 1000 + i as u32, ..l })
                .collect::<Vec<Line>>()
        })
        .collect();
    let us = dated(&lines, |l| l.date.format("%-m/%-d/%Y").to_string());
    let late = priced(&lines, ",", |a| if a > 30_000 { marked(a, ",", ".") } else { money(a) });
    check(vec![
        one("sorted, month first", "orders.csv", us, &lines),
        one("rare thousands", "orders.csv", late, &lines),
    ]);
}

#[test]
fn numbers_in_their_spellings() {
    let (lines, large) = (shop(1), shop(40));
    let p = |name, lines: &[Line], delimiter: &str, amount: &dyn Fn(i64) -> String| {
        one(name, "orders.csv", priced(lines, delimiter, amount), lines)
    };
    let whole: Vec<Line> =
        shop(1).into_iter().map(|l| Line { price: l.price * 1000 / 100 * 100, ..l }).collect();
    let returned: Vec<Line> = {
        let mut all = orders(&lines);
        let back = all.iter().step_by(19).map(|l| Line { price: -l.price, order: l.order, ..l.clone() });
        let back: Vec<Line> = back.collect();
        all.extend(back);
        all
    };
    check(vec![
        p("comma and points", &large, ";", &|a| marked(a, ".", ",")),
        p("blanks", &large, ";", &|a| marked(a, " ", ",")),
        p("hard blanks", &large, ";", &|a| marked(a, "\u{202f}", ",")),
        p("apostrophes", &large, ",", &|a| marked(a, "’", ".")),
        p("whole thousands with commas", &whole, ",", &|a| {
            marked(a, ",", ".").trim_end_matches(".00").to_owned()
        }),
        p("whole thousands with points", &whole, ";", &|a| {
            marked(a, ".", ",").trim_end_matches(",00").to_owned()
        }),
        p("euro behind", &large, ";", &|a| format!("{} €", marked(a, ".", ","))),
        p("dollars in front", &large, ",", &|a| format!("US${}", marked(a, ",", "."))),
        p("word behind", &whole, ",", &|a| format!("{} تومان", marked(a, ",", ".").trim_end_matches(".00"))),
        p("guarded", &lines, ",", &|a| format!("=\"{}\"", money(a))),
        p("exponents", &lines, ",", &|a| format!("{:.4E}", a as f64 / 100.0)),
        p("Persian digits", &lines, ",", &|a| persian(&money(a).replace('.', "٫"))),
        p("trailing minus", &returned, ",", &|a| if a < 0 { format!("{}-", money(-a)) } else { money(a) }),
        p("parentheses", &returned, ",", &|a| if a < 0 { format!("({})", money(-a)) } else { money(a) }),
        p("credit and debit words", &returned, ",", &|a| {
            format!("{} {}", money(a.abs()), if a < 0 { "CR" } else { "DR" })
        }),
        one(
            "cents",
            "orders.csv",
            file("customer_id,order_id,order_date,sku,quantity,unit_price_cents", &lines, |l| {
                format!("{},{},{},S{},{},{}", l.customer, l.order, l.date, l.sku, l.quantity, l.price)
            }),
            &lines,
        ),
        one(
            "units behind quantities",
            "orders.csv",
            file(PLAIN, &lines, row("{customer},{order},{date},S{sku},{quantity} pcs,{price}")),
            &lines,
        ),
    ]);
}
