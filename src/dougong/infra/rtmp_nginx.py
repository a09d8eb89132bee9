"""What nginx with `libnginx-mod-rtmp` has to be told, so that it takes streams for us."""

from string import Template
from urllib.parse import quote, urlsplit

from dougong.infra.settings import BadSetting, Settings

# Where a hook cannot be asked, the module refuses; an encoder comes again by itself. What each line
# is for: docs/how-to/media-server.md.
CONFIG = Template("""\
rtmp {
  notify_method post;
  netcall_timeout 30s;
  server {
    listen $listen;
    application $application {
      live on;
      record off;
      wait_key on;
      drop_idle_publisher 5s;
      on_publish      $site/hooks/rtmp/publish?secret=$secret;
      on_update       $site/hooks/rtmp/update?secret=$secret;
      on_publish_done $site/hooks/rtmp/publish-done?secret=$secret;
      notify_update_timeout 2s;
      allow play $reader;
      deny play all;
    }
  }
}
""")
RTMP_PORT = 1935


def nginx_config(*, chosen: Settings, site: str, reader: str) -> str:
    """The `rtmp` block. `site`: where nginx reaches us, without TLS, which its hooks cannot do;
    `reader`: the address from which we read streams. Raises BadSetting."""
    pull = urlsplit(chosen.rtmp_pull_url)
    if pull.scheme != "rtmp" or not chosen.rtmp_hook_secret:
        raise BadSetting("set rtmp_hook_secret, and rtmp_pull_url to rtmp://…/live/{room_id}")
    return CONFIG.substitute(
        listen=pull.port or RTMP_PORT,
        application=pull.path.strip("/").split("/")[0],
        site=site.rstrip("/"),
        secret=quote(chosen.rtmp_hook_secret, safe=""),
        reader=reader,
    )
