//! What else the names of columns say: flags, kinds of rows, sums of a customer's orders.

/// Beginnings of names of columns of yes and no: the row is no sale.
pub const FLAGS_NO_SALE: &[&str] = &[
    "cancel", "void", "delet", "storn", "annul", "anul", "draft", "abandon", "fail", "entwurf", "geannul",
    "gelösch", "supprim", "elimin", "borrad", "quote", "declin", "reject", "fraud", "spam", "отмен", "удал",
    "iptal", "لغو", "ملغ", "キャンセル", "取消", "作废", "취소", "zruš", "makul", "αku", "ακυρ", "annulé",
    "test",
];
/// ... its money was given back.
pub const FLAGS_BACK: &[&str] = &[
    "refund", "return", "retour", "reembols", "rembours", "rimbors", "iade", "zwrot", "chargeback",
    "erstatt", "возвра", "مرجوع", "مرتجع", "返品", "返金", "退货", "退款", "반품", "환불",
];
/// Beginnings of names of discounts, in money or percent.
pub const DISCOUNTS: &[&str] = &[
    "discount", "disc", "rabatt", "remise", "descuento", "dto", "sconto", "desconto", "korting", "indirim",
    "i̇ndirim", "скидк", "割引", "折扣", "تخفیف", "خصم", "rebate", "markdown", "nachlass",
];
/// Beginnings of names of what is paid on top for service.
pub const TIPS: &[&str] = &[
    "tip", "tips", "gratuit", "trinkgeld", "pourboire", "propina", "mancia", "gorjeta", "fooi", "чаев",
    "bahşiş", "انعام",
];
/// Beginnings of names of taxes.
pub const TAXES: &[&str] = &[
    "tax", "vat", "mwst", "ust", "tva", "iva", "btw", "kdv", "gst", "moms", "ндс", "ضريبة", "مالیات", "税",
    "margin",
];
/// Names of columns that say what kind of document a row is.
pub const TYPES: &[&str] = &[
    "type", "kind", "doctype", "belegart", "dokumentart", "vorgang", "tipo", "typ", "soort", "тип", "tür",
    "türü", "نوع", "種別", "类型", "유형",
];
/// Whole numbers under these names are no units.
pub const NOT_UNITS: &[&str] = &[
    "id", "no", "nr", "number", "num", "line", "position", "pos", "row", "age", "day", "month", "year",
    "week", "hour", "rating", "stars", "points", "score", "stock", "page", "level", "grade", "rank",
    "installments", "installment", "discount", "disc", "rabatt", "pct", "percent", "%", "tax", "vat", "mwst",
    "tva", "iva", "store", "shop", "till", "register", "terminal", "table", "guests", "covers", "visits",
    "children", "floor", "zone", "region", "cashier", "employee", "weekday", "quarter", "shipping", "fee",
    "tip", "cost", "zip", "code", "step", "version", "days", "weight", "size", "customer", "order",
    "invoice", "product", "category", "currency",
];

/// Names of columns that sum up a customer's orders: what is counted, with a word for counting beside it.
pub const ORDERS: &[&str] = &[
    "orders", "purchases", "transactions", "invoices", "visits", "bookings", "payments", "tickets",
    "bestellungen", "käufe", "commandes", "achats", "pedidos", "compras", "ordini", "acquisti",
    "bestellingen", "zamówień", "zamówienia", "заказов", "заказы", "siparişler", "سفارشات", "سفارش", "خرید",
    "订单", "注文", "주문",
];
/// Words for counting.
pub const COUNTS: &[&str] = &[
    "number",
    "num",
    "no",
    "nr",
    "n",
    "count",
    "cnt",
    "total",
    "anzahl",
    "nombre",
    "nb",
    "número",
    "numero",
    "cantidad",
    "numero",
    "aantal",
    "liczba",
    "ilość",
    "число",
    "количество",
    "sayısı",
    "تعداد",
    "数",
    "数量",
    "#",
];
/// ... or that alone.
pub const FREQUENCY: &[&str] =
    &["frequency", "häufigkeit", "fréquence", "frecuencia", "frequenza", "частота"];
/// Silence since the last order.
pub const RECENCY: &[&str] = &["recency"];
/// Which order.
pub const LAST_OR_FIRST: &[&str] = &[
    "last",
    "first",
    "latest",
    "letzte",
    "erste",
    "dernière",
    "première",
    "última",
    "primera",
    "ultimo",
    "primo",
    "laatste",
    "eerste",
    "ostatnie",
    "pierwsze",
    "последний",
    "первый",
    "آخرین",
    "اولین",
];
/// An order.
pub const AN_ORDER: &[&str] = &[
    "order", "purchase", "transaction", "visit", "sale", "booking", "active", "bestellung", "kauf",
    "commande", "achat", "pedido", "compra", "ordine", "acquisto", "bestelling", "zamówienie", "заказ",
    "سفارش", "خرید",
];
/// Sums over a customer's life.
pub const LIFETIME: &[&str] = &["lifetime", "ltv", "clv", "cltv"];
