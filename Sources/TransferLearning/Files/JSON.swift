#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

import SystemFiles

/// JSON for scripts: sorted keys in snake case, one layout, and no characters that control terminals.
package enum JSON {
    package static func text(_ value: some Encodable, pretty: Bool = true) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting =
            pretty
            ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self).escapingDisplayControlsInJSON
    }
}
