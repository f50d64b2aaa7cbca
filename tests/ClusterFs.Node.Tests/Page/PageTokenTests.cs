using ClusterFs.Configuration;
using ClusterFs.Node.Page;
using Microsoft.AspNetCore.Http;

namespace ClusterFs.Node.Tests.Page;

public sealed class PageTokenTests : IDisposable
{
    private const string Secret = "a-secret-of-22-letters";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("clusterfs-token-");

    private string File => Path.Combine(_directory.FullName, "token");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData("Bearer a-secret-of-22-letters", Permission.Granted)]
    [InlineData("bearer  a-secret-of-22-letters ", Permission.Granted)]
    [InlineData("Bearer a-secret-of-22-letterS", Permission.Denied)]
    [InlineData("Bearer a-secret-of-22-letters-and-more", Permission.Denied)]
    [InlineData("Bearer ", Permission.Denied)]
    [InlineData("Basic a-secret-of-22-letters", Permission.Denied)]
    [InlineData("a-secret-of-22-letters", Permission.Denied)]
    [InlineData(null, Permission.Denied)]
    internal void Only_the_token_itself_is_believed(string? header, Permission permission)
    {
        Write(Secret + "\n");
        Assert.Equal((permission, null), Judge(header));
    }

    [Theory]
    [InlineData("short", UnixFileMode.UserRead, "20 to 500")]
    [InlineData("", UnixFileMode.UserRead, "20 to 500")]
    [InlineData("two words that are no single token", UnixFileMode.UserRead, "20 to 500")]
    [InlineData(Secret, UnixFileMode.UserRead | UnixFileMode.OtherRead, "chmod 600")]
    public void A_file_that_keeps_no_secret_lets_nobody_in(string text, UnixFileMode mode, string why)
    {
        Write(text, mode);
        var (permission, said) = Judge($"Bearer {text}");
        Assert.Equal(Permission.Off, permission);
        Assert.Contains(why, said, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-of", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_file_nobody_may_act_and_a_new_one_counts_at_once()
    {
        Assert.Equal(Permission.Off, Judge($"Bearer {Secret}").Permission);
        Assert.Equal(Permission.Off, Judge($"Bearer {Secret}", configured: false).Permission);
        Write(Secret);
        Assert.Equal(Permission.Granted, Judge($"Bearer {Secret}").Permission);
        Write(new string('x', 30));
        Assert.Equal(Permission.Denied, Judge($"Bearer {Secret}").Permission);
        Write(new string('x', 5000));
        Assert.Equal(Permission.Off, Judge($"Bearer {Secret}").Permission);
    }

    private void Write(string text, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        System.IO.File.Delete(File);
        System.IO.File.WriteAllText(File, text);
        System.IO.File.SetUnixFileMode(File, mode);
    }

    private (Permission Permission, string? Why) Judge(string? header, bool configured = true)
    {
        var context = new DefaultHttpContext();
        if (header is not null)
        {
            context.Request.Headers.Authorization = header;
        }

        var permission = new PageToken(new HttpSettings(configured ? File : null)).Judge(context.Request, out var why);
        return (permission, why);
    }
}
