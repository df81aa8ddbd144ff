//! Dialects, encodings, formats and several files.

use std::fmt::Write as _;

use super::*;

#[test]
fn layouts_of_text() {
    let lines = shop(1);
    let text = || String::from_utf8(file(PLAIN, &lines, plain)).unwrap();
    let t = |name, content: String| one(name, "orders.csv", content.into_bytes(), &lines);
    let swapped = |delimiter: &str| text().replace(',', delimiter);
    let with_note = |note: &dyn Fn(&Line) -> String| {
        String::from_utf8(file(&format!("{PLAIN},note"), &lines, |l| format!("{},{}", plain(l), note(l))))
            .unwrap()
    };
    check(vec![
        t("caret", swapped("^")),
        t("tilde", swapped("~")),
        t("two bars", swapped("||")),
        t("colon", swapped(":")),
        t("semicolons in a text", with_note(&|_| "red;small;gift".into())),
        t("Excel says the delimiter", format!("sep=;\n{}", swapped(";"))),
        t("titles above", format!("Report:,Sales by line\nPeriod:,2023-01-01 to 2024-06-30\n\n{}", text())),
        t("a ruled line and a footer", {
            let body = text();
            let (head, rest) = body.split_once('\n').unwrap();
            format!("{head}\n-----------,--------,----------,---,--------,----------\n{rest}\n(800 rows affected)\n")
        }),
        t("an aligned table", {
            let body: Vec<String> = text()
                .lines()
                .map(|l| l.split(',').map(|f| format!(" {f:>12} ")).collect::<Vec<_>>().join("|"))
                .collect();
            format!(
                "{}\n{}\n{}\n(400 rows)\n",
                body[0],
                vec!["-".repeat(14); 6].join("+"),
                body[1..].join("\n")
            )
        }),
        t("the header once more", {
            let body = text();
            let middle = body.len() / 2 + body[body.len() / 2..].find('\n').unwrap() + 1;
            format!("{}{PLAIN}\n{}", &body[..middle], &body[middle..])
        }),
        t("carriage returns alone", text().replace('\n', "\r")),
        t("a comma too many in rows", text().replace('\n', ",\n").replacen(",\n", "\n", 1)),
        t("a comma too many in the header", text().replacen('\n', ",\n", 1)),
        t("quotes behind blanks", {
            let body = text();
            let (head, rest) = body.split_once('\n').unwrap();
            let rows: Vec<String> = rest
                .lines()
                .map(|l| l.split(',').map(|f| format!("\"{f}\"")).collect::<Vec<_>>().join(", "))
                .collect();
            format!("{}\n{}\n", head.replace(',', ", "), rows.join("\n"))
        }),
        t("quotes behind backslashes", with_note(&|_| "\"ring \\\"twice\\\", then wait\"".into())),
        t("lines within quotes", with_note(&|_| "\"line one\nline \"\"two\"\", three\"".into())),
        t(
            "a quote that stays open",
            with_note(&|l| if l.sku == 7 { "\"half open".into() } else { "5\" disc".into() }),
        ),
        t(
            "commas without quotes",
            with_note(&|l| if l.sku % 3 == 0 { "Bowl, large".into() } else { "Bowl".into() }),
        ),
        t("NUL bytes", text().replace("SKU-1,", "SKU-1\0\0,")),
        t("totals between and at the end", {
            let mut rows = orders(&lines);
            rows.sort_by_key(|l| l.customer);
            let mut out = "customer,order_id,order_date,amount\n".to_owned();
            for of in rows.chunk_by(|a, b| a.customer == b.customer) {
                for l in of {
                    let _ = writeln!(out, "{},{},{},{}", l.customer, l.order, l.date, money(l.price));
                }
                let sum: i64 = of.iter().map(|l| l.price).sum();
                let _ = writeln!(out, "{} Total,,{},{}", of[0].customer, of[0].date, money(sum));
            }
            let all: i64 = rows.iter().map(|l| l.price).sum();
            out + &format!("Grand Total,,2024-06-15,{}\n", money(all))
        }),
    ]);
}

#[test]
fn encodings() {
    let lines = shop(1);
    let named = |name: &str| {
        String::from_utf8(file(&PLAIN.replace("customer_id", "customer"), &lines, |l| {
            plain(l).replacen(&l.customer.to_string(), &format!("{name} {}", l.customer), 1)
        }))
        .unwrap()
    };
    // Two systems write into one file: each line is in its own encoding.
    let two = {
        let text = named("Zoë Müller");
        let (western, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
        let lines = text.as_bytes().split(|b| *b == b'\n').zip(western.split(|b| *b == b'\n'));
        let each = lines.enumerate().map(|(i, (utf8, other))| if i % 3 == 0 { other } else { utf8 });
        each.collect::<Vec<_>>().join(&b'\n')
    };
    let e = |name, encoding: &'static encoding_rs::Encoding, words: &str| {
        let text = named(words);
        let (bytes, _, lost) = encoding.encode(&text);
        assert!(!lost, "{name}");
        one(name, "orders.csv", bytes.into_owned(), &lines)
    };
    let cases = vec![
        one("two encodings in one file", "orders.csv", two, &lines),
        e("Western", encoding_rs::WINDOWS_1252, "Zoë Müller"),
        e("Hebrew", encoding_rs::WINDOWS_1255, "רותי לוי"),
        e("Turkish", encoding_rs::WINDOWS_1254, "Işıl Güneş Şahin"),
        e("Cyrillic", encoding_rs::WINDOWS_1251, "Иван Петров"),
        e("Persian", encoding_rs::WINDOWS_1256, "مينا راد"),
        e("Korean", encoding_rs::EUC_KR, "홍길동 상점"),
        e("Japanese", encoding_rs::SHIFT_JIS, "山田 表示"),
        e("Chinese", encoding_rs::GB18030, "买家 测试"),
        e("old Macs", encoding_rs::MACINTOSH, "Zoë Müller"),
    ];
    for case in &cases {
        let text = case.files[0].1.clone();
        let scene = Scene::new();
        scene.write("orders.csv", text);
        assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
        scene.done(&["customers"]);
        let table = scene.table("out/stages/customers/customers.parquet");
        let words = [
            "Zoë Müller",
            "רותי לוי",
            "Işıl Güneş Şahin",
            "Иван Петров",
            "مینا راد",
            "홍길동 상점",
            "山田 表示",
            "买家 测试",
        ];
        let id = table.texts("customer_id").unwrap()[0].to_owned();
        assert!(words.iter().any(|w| id.starts_with(w)), "{}: {id}", case.name);
    }
    check(cases);
}

#[test]
fn formats_that_are_no_csv() {
    let lines = shop(1);
    let single = orders(&lines);
    let html: String = lines
        .iter()
        .map(|l| {
            format!("<tr>{}</tr>\n", plain(l).split(',').map(|f| format!("<td>{f}</td>")).collect::<String>())
        })
        .collect();
    let head: String = PLAIN.split(',').map(|f| format!("<td>{f}</td>")).collect();
    let objects: Vec<String> = single.iter().map(|l| format!("{{\"order_id\": {}, \"customer\": {{\"id\": {}}}, \"created_at\": \"{}T10:00:00Z\", \"total\": {}}}", l.order, l.customer, l.date, money(l.price))).collect();
    let european: Vec<String> = single
        .iter()
        .map(|l| {
            format!(
                "{{\"order_id\":{},\"customer_id\":{},\"order_date\":\"{}\",\"amount\":\"{}\"}}",
                l.order,
                l.customer,
                l.date,
                marked(l.price * 40, ".", ",")
            )
        })
        .collect();
    let large = orders(&shop(40));
    let sheets = {
        let mut book = rust_xlsxwriter::Workbook::new();
        book.add_worksheet().set_name("Cover").unwrap().write(0, 0, "Sales report").unwrap();
        for (name, year) in [("2023", 2023), ("2024", 2024)] {
            let sheet = book.add_worksheet().set_name(name).unwrap();
            for (c, head) in ["customer_id", "order_id", "order_date", "total"].into_iter().enumerate() {
                sheet.write(0, c as u16, head).unwrap();
            }
            for (r, l) in
                single.iter().filter(|l| l.date.format("%Y").to_string() == year.to_string()).enumerate()
            {
                let r = r as u32 + 1;
                sheet.write(r, 0, l.customer).unwrap();
                sheet.write(r, 1, l.order).unwrap();
                sheet.write(r, 2, l.date.to_string()).unwrap();
                sheet.write(r, 3, l.price as f64 / 100.0).unwrap();
            }
        }
        book.save_to_buffer().unwrap()
    };
    let mongo: Vec<String> = single
        .iter()
        .map(|l| {
            format!(
                "{{\"_id\":{{\"$oid\":\"64a0{:020}\"}},\"customerId\":{{\"$numberLong\":\"{}\"}},\"createdAt\":{{\"$date\":\"{}T09:26:57.000Z\"}},\"total\":{{\"$numberDecimal\":\"{}\"}}}}",
                l.order, l.customer, l.date, money(l.amount())
            )
        })
        .collect();
    let of_months = |part: &dyn Fn(&Line) -> bool| {
        let part: Vec<Line> = lines.iter().filter(|l| part(l)).cloned().collect();
        file(PLAIN, &part, plain)
    };
    let (early, late) = (of_months(&|l| l.order < 500_250), of_months(&|l| l.order >= 500_250));
    let months: [(&str, &[u8]); 4] = [
        ("export/2023.csv", &early),
        ("export/2024.csv", &late),
        ("export/README.txt", b"Thank you for your export.\n"),
        ("__MACOSX/export/._2023.csv", b"x"),
    ];
    check(vec![
        one(
            "HTML named xls",
            "report.xls",
            format!("<html><body><table><tr>{head}</tr>{html}</table></body></html>").into_bytes(),
            &lines,
        ),
        one(
            "an array of objects",
            "orders.json",
            format!("[\n{}\n]", objects.join(",\n")).into_bytes(),
            &single,
        ),
        one(
            "an array under a key",
            "orders.json",
            format!("{{\"count\": 2, \"orders\": [{}]}}", objects.join(", ")).into_bytes(),
            &single,
        ),
        one("objects a line", "orders.jsonl", objects.join("\n").into_bytes(), &single),
        one("numbers as European texts", "orders.jsonl", european.join("\n").into_bytes(), &large),
        one("two sheets and a cover", "orders.xlsx", sheets, &single),
        one("types of MongoDB", "orders.json", mongo.join("\n").into_bytes(), &single),
        one("zipped", "orders.zip", zipped(&[("export/orders.csv", &file(PLAIN, &lines, plain))]), &lines),
        one("zipped months", "orders.zip", zipped(&months), &lines),
    ]);
}

/// A zip of files that are stored as they are.
pub(super) fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let at = out.len() as u32;
        let head = zip_head(name, content);
        out.extend(b"PK\x03\x04");
        out.extend(&head);
        out.extend(name.as_bytes());
        out.extend(*content);
        directory.extend(b"PK\x01\x02");
        directory.extend(20u16.to_le_bytes());
        directory.extend(&head);
        directory.extend([0u8; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let at = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06");
    out.extend([0u8; 4]);
    out.extend((files.len() as u16).to_le_bytes());
    out.extend((files.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend(0u16.to_le_bytes());
    out
}

/// What a zip says of a file, before it and in the directory.
fn zip_head(name: &str, content: &[u8]) -> Vec<u8> {
    let crc = {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        crc.sum()
    };
    let (n, size) = (name.len() as u16, content.len() as u32);
    let mut head = Vec::new();
    head.extend(20u16.to_le_bytes());
    head.extend([0u8; 8]);
    head.extend(crc.to_le_bytes());
    head.extend(size.to_le_bytes());
    head.extend(size.to_le_bytes());
    head.extend(n.to_le_bytes());
    head.extend(0u16.to_le_bytes());
    head
}

#[test]
fn several_files() {
    let single = orders(&shop(1));
    let lines = shop(1);
    let half: Vec<Line> = single.iter().filter(|l| l.order < 500_250).cloned().collect();
    let rest: Vec<Line> = single.iter().filter(|l| l.order >= 500_250).cloned().collect();
    let overlapping: Vec<Line> = single.iter().filter(|l| l.order >= 500_200).cloned().collect();
    let head = "customer_id,order_id,order_date,state,total";
    let in_state = |state: &'static str| {
        move |l: &Line| format!("{},{},{},{state},{}", l.customer, l.order, l.date, money(l.price))
    };
    let case = |name, files| Case { name, files, truth: truth(&single) };
    check(vec![
        case(
            "another format of dates",
            vec![
                ("a.csv", file(head, &half, in_state("fulfilled"))),
                (
                    "b.csv",
                    file(head, &rest, |l| {
                        format!(
                            "{},{},{},fulfilled,{}",
                            l.customer,
                            l.order,
                            l.date.format("%d/%m/%Y"),
                            money(l.price)
                        )
                    }),
                ),
            ],
        ),
        case(
            "another delimiter",
            vec![
                ("a.csv", file(head, &half, in_state("fulfilled"))),
                (
                    "b.csv",
                    String::from_utf8(file(head, &rest, in_state("fulfilled")))
                        .unwrap()
                        .replace(',', ";")
                        .into_bytes(),
                ),
            ],
        ),
        case(
            "the same orders with another state",
            vec![
                ("a.csv", file(head, &half, in_state("unfulfilled"))),
                ("b.csv", file(head, &overlapping, in_state("fulfilled"))),
            ],
        ),
        Case {
            name: "orders, items and customers",
            files: vec![
                (
                    "orders.csv",
                    file(
                        "order_id,customer_key,order_purchase_timestamp",
                        &single,
                        row("{order},k{order},{date} {time}"),
                    ),
                ),
                (
                    "items.csv",
                    file(
                        "order_id,order_item_id,product_id,price,freight_value",
                        &lines
                            .iter()
                            .flat_map(|l| (0..l.quantity).map(|_| Line { quantity: 1, ..l.clone() }))
                            .collect::<Vec<_>>(),
                        row("{order},1,P{sku},{price},8.72"),
                    ),
                ),
                (
                    "customers.csv",
                    file(
                        "customer_key,customer_unique_id,customer_city",
                        &single,
                        row("k{order},u{customer},sao paulo"),
                    ),
                ),
            ],
            truth: truth(&lines),
        },
    ]);
}
