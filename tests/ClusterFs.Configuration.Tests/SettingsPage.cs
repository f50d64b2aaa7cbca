using System.Text;
using System.Text.RegularExpressions;

namespace ClusterFs.Configuration.Tests;

/// <summary>docs/configuration.md, made from hocon/clusterfs.conf: its comments as text, each with the settings that it is about.</summary>
internal static partial class SettingsPage
{
    private const string Opening = """
        # Every setting

        Made from [hocon/clusterfs.conf](../hocon/clusterfs.conf) by `./build.sh docs`; a test compares both, and that file with what the programs read. So change
        that file and not this page. Values are the defaults where the text names one, and examples elsewhere.


        """;

    /// <summary>Where users choose the names, and how this page calls them.</summary>
    private static readonly Dictionary<string, string> Chosen = new()
    {
        ["services.wiki"] = "services.NAME",
        ["services.wiki.seeded.\"/etc/wiki/site.conf\""] = "services.NAME.seeded.FILE",
        ["services.wiki.config.nginx"] = "services.NAME.config.NAME",
        ["services.wiki.config.php"] = "services.NAME.config.NAME",
        ["services.wiki.config.mailname"] = "services.NAME.config.NAME",
        ["services.wiki.static.www"] = "services.NAME.static.NAME",
    };

    public static string Of(string reference)
    {
        var root = Parse(reference, out var opening);
        var page = new StringBuilder(Opening.ReplaceLineEndings("\n"));
        AppendText(page, opening);
        foreach (var child in root.Children)
        {
            Append(page, child, "", 2);
        }

        return page.ToString().TrimEnd('\n') + "\n";
    }

    /// <summary>A setting, or a section of them.</summary>
    /// <param name="Line">As it is written, without what is in it.</param>
    private sealed record Entry(string Line, IReadOnlyList<string> Comment, bool AfterBlank)
    {
        public List<Entry> Children { get; } = [];

        public bool IsSection => Line.EndsWith('{');

        public string Key => KeyOf().Match(Line).Value;

        /// <summary>Whether something in it is told on its own.</summary>
        public bool IsTold => Children.Any(child => child.Comment.Count > 0 || child.IsTold);
    }

    private static Entry Parse(string reference, out IReadOnlyList<string> opening)
    {
        var open = new Stack<Entry>();
        var root = new Entry("{", [], false);
        open.Push(root);
        List<string> comment = [];
        opening = [];
        var blank = true;
        foreach (var line in reference.Split('\n').Select(line => line.Trim()))
        {
            if (line.StartsWith('#'))
            {
                comment.Add(line.Length > 1 ? line[2..] : "");
            }
            else if (line.Length == 0)
            {
                if (open.Count == 1 && comment.Count > 0)
                {
                    opening = comment;
                }

                comment = [];
                blank = true;
            }
            else if (line == "}")
            {
                open.Pop();
            }
            else
            {
                var entry = new Entry(line, comment, blank);
                open.Peek().Children.Add(entry);
                if (entry.IsSection)
                {
                    open.Push(entry);
                }

                (comment, blank) = ([], false);
            }
        }

        // What encloses all of it says nothing.
        return root.Children.Single();
    }

    private static void Append(StringBuilder page, Entry entry, string path, int depth)
    {
        path = path.Length == 0 ? entry.Key : $"{path}.{entry.Key}";
        if (entry.IsSection && entry.IsTold)
        {
            page.Append('#', depth).Append(" `clusterfs.").Append(NameOf(path)).Append("`\n\n");
            AppendText(page, entry.Comment);
            foreach (var group in Groups(entry.Children.Where(child => !child.IsTold)))
            {
                AppendSettings(page, group);
            }

            foreach (var section in entry.Children.Where(child => child.IsTold))
            {
                Append(page, section, path, Math.Min(depth + 1, 5));
            }
        }
        else
        {
            AppendSettings(page, [entry]);
        }
    }

    private static string NameOf(string path)
    {
        var chosen = Chosen.Keys.Where(key => path == key || path.StartsWith(key + ".", StringComparison.Ordinal)).MaxBy(key => key.Length);
        return chosen is null ? path : Chosen[chosen] + path[chosen.Length..];
    }

    /// <summary>What follows without a comment and without a gap shares the one before.</summary>
    private static List<List<Entry>> Groups(IEnumerable<Entry> settings)
    {
        List<List<Entry>> groups = [];
        foreach (var setting in settings)
        {
            if (groups.Count > 0 && setting.Comment.Count == 0 && !setting.AfterBlank)
            {
                groups[^1].Add(setting);
            }
            else
            {
                groups.Add([setting]);
            }
        }

        return groups;
    }

    /// <summary>Without any comment, they are told where they have one.</summary>
    private static void AppendSettings(StringBuilder page, List<Entry> group)
    {
        if (group[0].Comment.Count == 0)
        {
            return;
        }

        page.Append("```\n");
        foreach (var entry in group)
        {
            AppendRaw(page, entry, "");
        }

        page.Append("```\n\n");
        AppendText(page, group[0].Comment);
    }

    private static void AppendRaw(StringBuilder page, Entry entry, string indent)
    {
        page.Append(indent).Append(entry.Line).Append('\n');
        foreach (var child in entry.Children)
        {
            AppendRaw(page, child, indent + "  ");
        }

        if (entry.IsSection)
        {
            page.Append(indent).Append("}\n");
        }
    }

    /// <summary>Prose as paragraphs; what is indented as the list, or the lines, that it is.</summary>
    private static void AppendText(StringBuilder page, IReadOnlyList<string> comment)
    {
        for (var i = 0; i < comment.Count;)
        {
            var indented = comment[i].StartsWith("  ", StringComparison.Ordinal);
            var block = comment.Skip(i).TakeWhile(line => line.Length > 0 && line.StartsWith("  ", StringComparison.Ordinal) == indented).ToList();
            i += Math.Max(1, block.Count);
            if (block.Count == 0)
            {
                // Between two paragraphs.
            }
            else if (!indented)
            {
                page.Append(Escape(string.Join(' ', block.Select(line => line.Trim())))).Append("\n\n");
            }
            else if (block.All(line => Choice().IsMatch(line) || line.StartsWith("   ", StringComparison.Ordinal)))
            {
                foreach (var line in block)
                {
                    var choice = Choice().Match(line);
                    page.Append(choice.Success
                        ? $"- `{choice.Groups["name"].Value}`: {Escape(choice.Groups["text"].Value)}\n"
                        : $"  {Escape(line.Trim())}\n");
                }

                page.Append('\n');
            }
            else
            {
                page.Append("```\n").AppendJoin('\n', block.Select(line => line[2..])).Append("\n```\n\n");
            }
        }
    }

    /// <summary>What means something in Markdown stands for itself, outside of code.</summary>
    private static string Escape(string text) =>
        string.Join('`', text.Split('`').Select((part, i) => i % 2 == 0 ? Special().Replace(part, @"\$0") : part));

    [GeneratedRegex("""^("[^"]*"|[^\s={]+)""")]
    private static partial Regex KeyOf();

    [GeneratedRegex(@"^  (?<name>[a-z]+) +(?<text>[^ =].*)$")]
    private static partial Regex Choice();

    [GeneratedRegex(@"[*<>\[\]]")]
    private static partial Regex Special();
}
