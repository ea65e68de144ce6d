// SPDX-License-Identifier: Apache-2.0

/// Changes two things about a request body without re-serialising it: which model it names, and whether options that
/// say only `null` are sent at all. Every other byte stays as the user wrote it. (contracts: Ark runtime request body)
package enum BodyEdit {
    /// `body` with the model set and members without a value left out.
    ///
    /// - Parameters:
    ///   - body: one JSON object, the white space around it included.
    ///   - model: what the top-level `model` shall be: it replaces the value that is there (each, when the key is
    ///     given more than once), or becomes the first member. Nil leaves it alone.
    ///   - dropsNulls: whether members whose value is `null` are left out, of the body itself and of the objects in its
    ///     top-level array `messages`; deeper ones may be data and stay.
    ///   - depthMax: containers the body may nest, inclusive.
    /// - Throws: when the body is not one JSON text, or not an object.
    package static func edited(
        _ body: UnsafeRawBufferPointer, model: String?, dropsNulls: Bool, depthMax: Int = JSONScanner.defaultDepthMax
    ) throws(RequestLineFault) -> [UInt8] {
        var cuts = BodyCuts(model: model, dropsNulls: dropsNulls)
        let kind: JSONKind
        do throws(JSONFault) {
            kind = try cuts.read(body, depthMax: depthMax)
        } catch {
            throw .notJSON(error)
        }
        guard kind == .object else { throw .notObject(kind) }
        return cuts.applied(to: body)
    }

    /// The same for a body in memory; a body that needs no change is returned as it is.
    package static func edited(
        _ body: [UInt8], model: String?, dropsNulls: Bool
    ) throws(RequestLineFault) -> [UInt8] {
        try body[...].withBytes { (bytes) throws(RequestLineFault) in
            try edited(bytes, model: model, dropsNulls: dropsNulls)
        }
    }

    /// The same for a part of something larger, a line of a file for example.
    package static func edited(
        _ body: ArraySlice<UInt8>, model: String?, dropsNulls: Bool
    ) throws(RequestLineFault) -> [UInt8] {
        try body.withBytes { (bytes) throws(RequestLineFault) in
            try edited(bytes, model: model, dropsNulls: dropsNulls)
        }
    }
}

extension ArraySlice<UInt8> {
    /// `withUnsafeBytes` that keeps the type of what is thrown.
    fileprivate func withBytes<R, E: Error>(_ read: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let result: Result<R, E> = withUnsafeBytes { bytes in
            do throws(E) {
                return .success(try read(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

/// Where a body is cut and what comes into the gaps; found in one pass, in order of the bytes.
private struct BodyCuts {
    /// One change: these bytes go, and when `takesModel`, the model's name comes in their place.
    struct Cut {
        let range: Range<Int>
        let takesModel: Bool
    }

    /// The model's name as a JSON string with its quotes; nil when the body keeps its own.
    let model: [UInt8]?
    let dropsNulls: Bool
    private var cuts: [Cut] = []
    private var hasModel = false
    /// Whether anything is left in the body once the cuts are made.
    private var isEmpty = true
    /// Byte offset behind the opening brace of the body.
    private var inside = 0

    init(model: String?, dropsNulls: Bool) {
        self.model = model.map { name in
            var quoted: [UInt8] = []
            JSONText.appendString(name, to: &quoted)
            return quoted
        }
        self.dropsNulls = dropsNulls
    }

    /// Finds the cuts; returns the type of the value, of which only an object has any.
    mutating func read(_ body: UnsafeRawBufferPointer, depthMax: Int) throws(JSONFault) -> JSONKind {
        var scanner = JSONScanner(body, depthMax: depthMax)
        try scanner.start()
        let kind = try scanner.kind()
        inside = scanner.position + 1
        if kind == .object {
            isEmpty = try keep(&scanner) { (cuts, scanner, key) throws(JSONFault) in
                try cuts.takeMember(key, &scanner)
            }
        } else {
            _ = try scanner.value()
        }
        try scanner.finish()
        return kind
    }

    /// Reads one object, cuts the members that say `null` with the comma they leave over, and hands on the others;
    /// true when none is left.
    private mutating func keep(
        _ scanner: inout JSONScanner,
        _ take: (inout BodyCuts, inout JSONScanner, JSONToken) throws(JSONFault) -> Void
    ) throws(JSONFault) -> Bool {
        var hasKept = false
        // Where the previous value ended; and where members began to be dropped before any was kept.
        var previousEnd = 0
        var leading: Int?
        try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
            defer { previousEnd = scanner.position }
            let kind = try scanner.kind()
            if dropsNulls, kind == .null, !isSet(key, scanner) {
                _ = try scanner.value()
                if hasKept {
                    cuts.append(Cut(range: previousEnd..<scanner.position, takesModel: false))
                } else if leading == nil {
                    leading = key.range.lowerBound
                }
                return
            }
            if let from = leading {
                cuts.append(Cut(range: from..<key.range.lowerBound, takesModel: false))
                leading = nil
            }
            hasKept = true
            try take(&self, &scanner, key)
        }
        if let leading { cuts.append(Cut(range: leading..<previousEnd, takesModel: false)) }
        return !hasKept
    }

    /// Whether the member is the body's model, which gets another value and so is no member without one.
    private func isSet(_ key: JSONToken, _ scanner: JSONScanner) -> Bool {
        model != nil && scanner.depth == 1 && scanner.reads(key, "model")
    }

    private mutating func takeMember(_ key: JSONToken, _ scanner: inout JSONScanner) throws(JSONFault) {
        if model != nil, scanner.reads(key, "model") {
            hasModel = true
            cuts.append(Cut(range: try scanner.value().range, takesModel: true))
        } else if dropsNulls, scanner.reads(key, "messages"), try scanner.kind() == .array {
            try scanner.elements { (scanner: inout JSONScanner) throws(JSONFault) in
                guard try scanner.kind() == .object else {
                    _ = try scanner.value()
                    return
                }
                _ = try keep(&scanner) { (_, scanner, _) throws(JSONFault) in _ = try scanner.value() }
            }
        } else {
            _ = try scanner.value()
        }
    }

    /// The bytes of `body` with the cuts made.
    func applied(to body: UnsafeRawBufferPointer) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(body.count + (model?.count ?? 0) + 16)
        var at = 0
        if let model, !hasModel {
            out.append(contentsOf: body[..<inside])
            out.append(contentsOf: "\"model\":".utf8)
            out.append(contentsOf: model)
            if !isEmpty { out.append(UInt8(ascii: ",")) }
            at = inside
        }
        for cut in cuts {
            out.append(contentsOf: body[at..<cut.range.lowerBound])
            if cut.takesModel, let model { out.append(contentsOf: model) }
            at = cut.range.upperBound
        }
        out.append(contentsOf: body[at...])
        return out
    }
}
