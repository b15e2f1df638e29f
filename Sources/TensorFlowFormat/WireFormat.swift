import WireFormat

/// The reader of TensorFlow's messages, which throws `GraphDefError`.
package typealias WireReader = WireFormat.WireReader<GraphDefError>
package typealias WireWriter = WireFormat.WireWriter
package typealias WireField = WireFormat.WireField

extension GraphDefError: WireFailure {
    package init(_ error: WireError) {
        self =
            switch error {
            case .truncated(let offset, let needed, let available):
                .truncated(offset: offset, needed: needed, available: available)
            case .malformed(let offset, let fault): .malformed(offset: offset, GraphDefFault(fault))
            }
    }
}

extension GraphDefFault {
    fileprivate init(_ fault: WireFault) {
        self =
            switch fault {
            case .overlongVarint: .overlongVarint
            case .invalidFieldNumber: .invalidFieldNumber
            case .invalidWireType(let type): .invalidWireType(type)
            case .unexpectedWireType(let field, let type):
                .unexpectedWireType(field: field, wireType: type)
            case .lengthBeyondMessage(let length, let available):
                .lengthBeyondMessage(length: length, available: available)
            case .invalidUTF8: .invalidUTF8
            }
    }
}
