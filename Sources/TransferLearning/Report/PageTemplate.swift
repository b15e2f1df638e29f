/// Fills in HTML templates.
enum PageTemplate {
    /// Replaces every mark `{{NAME}}` of the template; the parts are not searched for marks.
    static func fill(_ template: UnsafeBufferPointer<UInt8>, with parts: [String: [UInt8]]) -> [UInt8] {
        var page: [UInt8] = [], index = 0
        while index < template.count {
            if template[index...].starts(with: "{{".utf8) {
                let name = template[(index + 2)...].prefix { $0 != UInt8(ascii: "}") }
                if let part = parts[String(decoding: name, as: UTF8.self)] {
                    page += part
                    index = name.endIndex + 2
                    continue
                }
            }
            page.append(template[index])
            index += 1
        }
        return page
    }

    /// Returns text that HTML shows as it is, inside and outside of quoted attributes.
    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}
