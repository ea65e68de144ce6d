// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchCore
import BatchFiles
import BatchStore
import Sealing

/// `batchd object-stores`.
struct ObjectStoresCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "object-stores", abstract: "Add, list and remove the keys of projects' own object stores.",
        discussion: """
            A project's batches read inputs and write results with them: s3://, oss: and tos:// addresses. They come \
            before the keys that the server lends (object_stores in the configuration file), those for one bucket \
            first. Works on database.url, or on the database of a standalone batchd that runs in --data-dir; secrets \
            are sealed with sealing_key.
            """,
        subcommands: [Add.self, List.self, Remove.self])

    /// `batchd object-stores add`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add keys to a project, in place of those of the same name.",
            discussion: """
                The secret key is read from standard input, the first line; with --session-token the token is the \
                second.
                """)

        /// The project by name.
        @Option(help: "The project's name.")
        var project: String

        /// What lists and messages call the keys.
        @Option(help: "What the keys are called; unique in the project.")
        var name: String

        /// Whose kind of store.
        @Option(help: "Which addresses they are for: s3, oss or tos.")
        var kind = "s3"

        /// The one bucket.
        @Option(help: "The bucket they are for. [every bucket]")
        var bucket: String?

        /// URL of the store.
        @Option(help: "URL of the store; users' rules apply to it (outbound.allow). [AWS, OSS or TOS in --region]")
        var endpoint: String?

        /// Region of requests.
        @Option(help: "Region of requests. [that of the address, or the usual one]")
        var region: String?

        /// Whether the bucket is part of the host's name.
        @Flag(help: "With --endpoint: the bucket is part of the host's name, not of the path.")
        var virtualHost = false

        /// Access key id.
        @Option(help: "Access key id.")
        var accessKey: String

        /// Whether a token follows the secret.
        @Flag(help: "The keys are temporary: read their session token, too.")
        var sessionToken = false

        /// The flags of the settings.
        @OptionGroup var flags: SettingFlags

        /// Refuses what cannot be used.
        func validate() throws {
            guard let kind = ObjectStoreKind(rawValue: kind) else {
                throw ValidationError("--kind must be s3, oss or tos, not \"\(kind)\"")
            }
            if let bucket {
                do throws(ObjectAddressProblem) { _ = try StoredObject(kind, bucket: bucket, key: "") } catch {
                    throw ValidationError("the address of --bucket \(error.message)")
                }
            }
            do throws(S3EndpointProblem) {
                _ = try StoreAccess(
                    name: name, kind: kind, endpoint: endpoint, region: region, usesPathStyle: !virtualHost,
                    credentials: S3Credentials(accessKey: accessKey, secretKey: "")
                ).place(region: nil)
            } catch {
                throw ValidationError("the endpoint \(error.message)")
            }
            if name.isEmpty || accessKey.isEmpty { throw ValidationError("--name and --access-key must not be empty") }
        }

        /// Runs the command; an error has been reported when it throws.
        func run() async throws {
            guard let secret = readLine(), !secret.isEmpty else {
                throw ValidationError("standard input holds no secret key: write it there, followed by a newline")
            }
            let token = sessionToken ? readLine() : nil
            if sessionToken, (token ?? "").isEmpty {
                throw ValidationError("standard input holds no session token after the secret key")
            }
            try await StoreSession.run(flags) { store, settings in
                let key = try StoreSession.sealingKey(settings)
                let id = try await StoreSession.project(project, store)
                let context = ObjectCredential.context(project: id, name: name)
                try await store.putObjectCredential(
                    ObjectCredential(
                        name: name, kind: ObjectStoreKind(rawValue: kind) ?? .s3, bucket: bucket, endpoint: endpoint,
                        region: region, usesPathStyle: !virtualHost, accessKey: accessKey,
                        secret: try key.seal(Array(secret.utf8), context: context),
                        sessionToken: try token.map { try key.seal(Array($0.utf8), context: "\(context)/token") }),
                    project: id)
                StandardOutput.line("added \(name)")
            }
        }
    }

    /// `batchd object-stores list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a project's keys: name, kind, bucket, endpoint, region, access key. Secrets are not shown.")

        /// The project by name.
        @Option(help: "The project's name.")
        var project: String

        /// The flags of the settings.
        @OptionGroup var flags: SettingFlags

        /// Runs the command; an error has been reported when it throws.
        func run() async throws {
            try await StoreSession.run(flags) { store, _ in
                let id = try await StoreSession.project(project, store)
                for entry in try await store.objectCredentials(project: id) {
                    let fields = [
                        entry.name, entry.kind.rawValue, entry.bucket ?? "*", entry.endpoint ?? "-",
                        entry.region ?? "-", entry.accessKey,
                    ]
                    StandardOutput.line(fields.joined(separator: "\t"))
                }
            }
        }
    }

    /// `batchd object-stores remove`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove keys of a project.")

        /// The project by name.
        @Option(help: "The project's name.")
        var project: String

        /// Which keys.
        @Option(help: "What the keys are called.")
        var name: String

        /// The flags of the settings.
        @OptionGroup var flags: SettingFlags

        /// Runs the command; an error has been reported when it throws.
        func run() async throws {
            try await StoreSession.run(flags) { store, _ in
                let id = try await StoreSession.project(project, store)
                guard try await store.removeObjectCredential(name: name, project: id) else {
                    throw ProgramFault(
                        exitCode: ExitCodes.failure,
                        description: "the project has no such keys; `batchd object-stores list` shows what it has")
                }
                StandardOutput.line("removed \(name)")
            }
        }
    }
}
