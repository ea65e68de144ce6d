// SPDX-License-Identifier: Apache-2.0

/// An opaque name of a stored thing: a fixed prefix and 128 random bits in hexadecimal.
///
/// Identifiers are unguessable, contain no `/`, and sort in no meaningful order; paging orders by the row's `seq`.
package protocol Identifier: RawRepresentable, Hashable, Sendable, CustomStringConvertible where RawValue == String {
    /// What every identifier of this kind starts with, such as `batch_`.
    static var prefix: String { get }
    /// Takes any text: an identifier that names nothing is simply not found.
    init(rawValue: String)
}

extension Identifier {
    /// A fresh identifier.
    package init(using generator: inout some RandomNumberGenerator) {
        let high = UInt64.random(in: .min ... .max, using: &generator)
        let low = UInt64.random(in: .min ... .max, using: &generator)
        self.init(rawValue: Self.prefix + hexadecimal(high) + hexadecimal(low))
    }

    /// A fresh identifier from the system's generator of secure random numbers.
    package static func random() -> Self {
        var generator = SystemRandomNumberGenerator()
        return Self(using: &generator)
    }

    /// The identifier as users see it.
    package var description: String { rawValue }
}

private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

/// Names a batch: `batch_…`.
package struct BatchID: Identifier {
    /// See ``Identifier/prefix``.
    package static let prefix = "batch_"
    /// The whole text, prefix included.
    package let rawValue: String
    /// Takes any text.
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// Names a stored file: `file-…`.
package struct FileID: Identifier {
    /// See ``Identifier/prefix``.
    package static let prefix = "file-"
    /// The whole text, prefix included.
    package let rawValue: String
    /// Takes any text.
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// Names a tenant: `proj_…`.
package struct ProjectID: Identifier {
    /// See ``Identifier/prefix``.
    package static let prefix = "proj_"
    /// The whole text, prefix included.
    package let rawValue: String
    /// Takes any text.
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// Names a running worker process, new at each start: `worker_…`.
package struct WorkerID: Identifier {
    /// See ``Identifier/prefix``.
    package static let prefix = "worker_"
    /// The whole text, prefix included.
    package let rawValue: String
    /// Takes any text.
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// Names a running coordinator process, new at each start: `coordinator_…`.
package struct CoordinatorID: Identifier {
    /// See ``Identifier/prefix``.
    package static let prefix = "coordinator_"
    /// The whole text, prefix included.
    package let rawValue: String
    /// Takes any text.
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// Names an event, the same on every delivery attempt: `evt_…`.
package struct EventID: Identifier {
    /// See ``Identifier/prefix``.
    package static let prefix = "evt_"
    /// The whole text, prefix included.
    package let rawValue: String
    /// Takes any text.
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// Names a webhook endpoint of a project: `we_…`.
package struct EndpointID: Identifier {
    /// See ``Identifier/prefix``.
    package static let prefix = "we_"
    /// The whole text, prefix included.
    package let rawValue: String
    /// Takes any text.
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// Names the delivery of one event to one receiver: `whd_…`.
package struct DeliveryID: Identifier {
    /// See ``Identifier/prefix``.
    package static let prefix = "whd_"
    /// The whole text, prefix included.
    package let rawValue: String
    /// Takes any text.
    package init(rawValue: String) { self.rawValue = rawValue }
}
