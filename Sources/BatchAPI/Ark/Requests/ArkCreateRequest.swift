// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// A request to create a batch, checked. (contracts: Ark create request)
///
/// Whether the input is there, and whether a backend serves the model, is not checked here.
struct ArkCreateRequest: Hashable, Sendable {
    /// One label of a batch.
    struct Tag: Hashable, Sendable {
        /// 1…128 characters, once per batch.
        let key: String
        /// At most 256 characters.
        let value: String
    }

    /// 1…200 letters, Han characters, digits, `-` and `_`.
    let name: String
    /// At most 300 characters, or nil.
    let description: String?
    /// Ark's project, which only groups batches: whose they are follows from the access key.
    let projectName: String
    /// What it is run on.
    let model: ArkModel
    /// Where its lines are read from.
    let input: StoredObject
    /// Below what its files are written; the key ends in a slash.
    let outputFolder: StoredObject
    /// The time it has.
    let window: CompletionWindow
    /// Its labels.
    let tags: [Tag]
    /// Whether everything is checked and nothing created.
    let isDryRun: Bool

    /// Longest name, in characters.
    static let nameCharactersMax = 200
    /// Longest description, in characters.
    static let descriptionCharactersMax = 300
    /// Longest `ProjectName`, in characters.
    static let projectCharactersMax = 64
    /// Most tags of a batch.
    static let tagsMax = 20
    /// Longest key of a tag, in characters.
    static let tagKeyCharactersMax = 128
    /// Longest value of a tag, in characters.
    static let tagValueCharactersMax = 256
    /// Longest time a batch may be given, in days, and what it has when it names none.
    static let windowDaysMax: Int64 = 28
    /// The project of requests that name none.
    static let standardProject = "default"

    /// Checks the parameters.
    ///
    /// - Throws: an ``ArkFault`` for the first thing that is wrong.
    init(_ fields: ArkFields) throws {
        name = try Self.name(try fields.requiredText("Name"))
        description = try fields.text("Description", charactersMax: Self.descriptionCharactersMax)
        projectName = try Self.projectName(fields)
        model = try ArkModel(try fields.requiredObject("ModelReference"))
        let source = try fields.requiredObject("InputFileTosLocation")
        input = try Self.object(source, key: try source.requiredText("ObjectKey"))
        guard !input.isPrefix else {
            throw ArkFault.invalidParameter(
                "InputFileTosLocation.ObjectKey ends in a slash: it must name a file.",
                detail: "InputFileTosLocation.ObjectKey")
        }
        let folder = try fields.requiredObject("OutputDirTosLocation")
        let key = try folder.requiredText("ObjectKey")
        outputFolder = try Self.object(folder, key: key.hasSuffix("/") ? key : key + "/")
        guard outputFolder.key.utf8.count + ArkFiles.nameBytesMax <= StoredObject.keyBytesMax else {
            throw ArkFault.invalidParameter(
                "OutputDirTosLocation.ObjectKey is longer than \(StoredObject.keyBytesMax - ArkFiles.nameBytesMax) "
                    + "bytes: names of files follow it.", detail: "OutputDirTosLocation.ObjectKey")
        }
        window = try Self.window(try fields.text("CompletionWindow"))
        tags = try Self.tags(fields)
        isDryRun = try fields.flag("DryRun")
    }

    /// `ProjectName`, or the standard one.
    static func projectName(_ fields: ArkFields) throws -> String {
        try fields.text("ProjectName", charactersMax: projectCharactersMax) ?? standardProject
    }

    /// `text` when it may be a batch's name.
    static func name(_ text: String) throws -> String {
        let isGood = text.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
            default: scalar.properties.isIdeographic
            }
        }
        guard isGood, (1...nameCharactersMax).contains(text.unicodeScalars.count) else {
            throw ArkFault.invalidParameter(
                "Name must be 1…\(nameCharactersMax) letters, Han characters, digits, '-' and '_'.", detail: "Name")
        }
        return text
    }

    private static func window(_ text: String?) throws -> CompletionWindow {
        let text = text ?? "\(windowDaysMax)d"
        guard text.hasSuffix("d"), let window = CompletionWindow(text, range: 86_400...windowDaysMax * 86_400) else {
            throw ArkFault.invalidParameter(
                "CompletionWindow is '\(text.prefix(40))'; it must be of 1d…\(windowDaysMax)d, whole days.",
                detail: "CompletionWindow")
        }
        return window
    }

    private static func object(_ fields: ArkFields, key: String) throws -> StoredObject {
        let bucket = try fields.requiredText("BucketName")
        do throws(ObjectAddressProblem) {
            return try StoredObject(.tos, bucket: bucket, key: key)
        } catch {
            throw ArkFault.invalidParameter(
                "The location of \(fields.path("ObjectKey")) \(error.message).", detail: fields.path("ObjectKey"))
        }
    }

    private static func tags(_ fields: ArkFields) throws -> [Tag] {
        let tags = try fields.objects("Tags", countMax: tagsMax).map { tag in
            guard let key = try tag.text("Key", charactersMax: tagKeyCharactersMax) else { throw tag.missing("Key") }
            return Tag(key: key, value: try tag.text("Value", charactersMax: tagValueCharactersMax) ?? "")
        }
        guard Set(tags.map(\.key)).count == tags.count else {
            throw ArkFault.invalidParameter("Tags has a Key twice.", detail: "Tags")
        }
        return tags
    }
}

/// A request about one batch, such as to look at it. (contracts: Ark actions)
struct ArkReference: Hashable, Sendable {
    /// The batch's id.
    let id: String
    /// Whether everything is checked and nothing done.
    let isDryRun: Bool

    /// Longest id that can name something, in characters.
    static let charactersMax = 128

    /// Checks the parameters.
    ///
    /// - Throws: ``ArkFault``.
    init(_ fields: ArkFields) throws {
        guard let id = try fields.text("Id", charactersMax: Self.charactersMax) else { throw fields.missing("Id") }
        self.id = id
        isDryRun = try fields.flag("DryRun")
    }
}
