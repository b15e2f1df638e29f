import SystemFiles

/// One HTML page that needs nothing beside it: built up section by section.
struct Page {
    private let title: String
    private var body = ""
    /// Pictures that may still be put in: a page of thousands opens nowhere.
    private var picturesLeft = 240

    init(title: String) { self.title = title }

    mutating func heading(_ text: String, id: String? = nil) {
        body += "<h2\(id.map { " id=\"\($0)\"" } ?? "")>\(Self.escaped(text))</h2>\n"
    }
    mutating func subheading(_ text: String, id: String? = nil) {
        body += "<h3\(id.map { " id=\"\($0)\"" } ?? "")>\(Self.escaped(text))</h3>\n"
    }
    mutating func paragraph(_ text: String) { body += "<p>\(Self.escaped(text))</p>\n" }
    mutating func code(_ text: String) { body += "<pre>\(Self.escaped(text))</pre>\n" }
    /// Markup made by this room: plots and tables of links.
    mutating func raw(_ markup: String) { body += markup + "\n" }

    /// Large numbers with what they are.
    mutating func figures(_ figures: [(value: String, name: String)]) {
        body +=
            "<div class=figures>"
            + figures.map { "<div><b>\(Self.escaped($0.value))</b>\(Self.escaped($0.name))</div>" }.joined()
            + "</div>\n"
    }

    mutating func table(head: [String], rows: [[String]]) {
        body += "<div class=scroll><table><tr>" + head.map { "<th>\(Self.escaped($0))" }.joined()
        for row in rows { body += "<tr>" + row.map { "<td>\(Self.escaped($0))" }.joined() }
        body += "</table></div>\n"
    }

    /// Pictures side by side, each with a line of text; beyond the page's limit, their paths.
    mutating func gallery(_ pictures: [(path: String, caption: String)], limit: Int = 24) {
        body += "<div class=gallery>"
        for picture in pictures.prefix(limit) { body += figure(picture.path, picture.caption) }
        body += "</div>\n"
        if pictures.count > limit { paragraph("… and \(pictures.count - limit) more.") }
    }

    /// Two pictures that belong together, a pair a box.
    mutating func pairs(_ pairs: [(first: String, second: String, caption: String)], limit: Int = 16) {
        body += "<div class=gallery>"
        for pair in pairs.prefix(limit) {
            body +=
                "<div class=pair>\(figure(pair.first, Self.name(pair.first)))\(figure(pair.second, Self.name(pair.second)))<p>\(Self.escaped(pair.caption))</p></div>"
        }
        body += "</div>\n"
        if pairs.count > limit { paragraph("… and \(pairs.count - limit) more.") }
    }

    private mutating func figure(_ path: String, _ caption: String) -> String {
        picturesLeft -= 1
        let address = picturesLeft >= 0 ? Thumbnail.address(of: path) : nil
        let image = address.map { "<img alt=\"\(Self.escaped(Self.name(path)))\" src=\"\($0)\">" } ?? ""
        return
            "<figure title=\"\(Self.escaped(path))\">\(image)<figcaption>\(Self.escaped(caption))</figcaption></figure>"
    }

    /// The last two parts of a path: class folder and file.
    static func name(_ path: String) -> String { path.split(separator: "/").suffix(2).joined(separator: "/") }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }

    var html: String {
        """
        <!doctype html>
        <html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width, initial-scale=1">
        <title>\(Self.escaped(title))</title>
        <style>\(Self.style)</style>
        <body><main><h1>\(Self.escaped(title))</h1>
        \(body)</main>

        """
    }

    func write(to path: FilePath) throws(TransferLearningError) {
        do {
            let file = try AtomicFile(path)
            try file.write(Array(html.utf8))
            try file.commit()
        } catch { throw .output(error, flag: "report") }
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1d1d1f;--paper:#fff;--line:#d8d8dc;--accent:#0a64c8;--bad:#c2410c}
        @media(prefers-color-scheme:dark){:root{--ink:#ececf0;--paper:#161618;--line:#3a3a3e;--accent:#6cb0ff;--bad:#ff9a5c}}
        *{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.45 system-ui,sans-serif}
        main{max-width:1000px;margin:0 auto;padding:1rem}h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}
        h3{font-size:1rem;margin:1.2rem 0 .4rem}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:color-mix(in srgb,var(--ink) 6%,transparent);padding:.6rem;border-radius:6px;font-size:.85rem}
        .figures{display:flex;flex-wrap:wrap;gap:.5rem}.figures div{flex:1 1 9rem;border:1px solid var(--line);border-radius:8px;padding:.6rem;font-size:.85rem}.figures b{display:block;font-size:1.5rem}
        .scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{border:1px solid var(--line);padding:.3rem .6rem;text-align:right}td:first-child,th:first-child{text-align:left}
        .gallery{display:flex;flex-wrap:wrap;gap:.6rem}figure{margin:0;width:116px;font-size:.75rem;overflow-wrap:anywhere}img{display:block;max-width:112px;border-radius:4px}
        .pair{display:flex;flex-wrap:wrap;gap:.4rem;border:1px solid var(--line);border-radius:8px;padding:.5rem;max-width:260px}.pair p{flex-basis:100%;margin:0;font-size:.75rem}
        a{color:var(--accent)}svg{max-width:100%;height:auto;overflow:visible}@media(max-width:500px){svg text{font-size:19px!important}}svg text{fill:var(--ink);font:12px system-ui,sans-serif}.hit{background:color-mix(in srgb,var(--accent) 22%,transparent)}.miss{background:color-mix(in srgb,var(--bad) 22%,transparent)}
        @media print{main{max-width:none}.gallery figure,.pair,tr{break-inside:avoid}a{color:inherit}}
        """
}
