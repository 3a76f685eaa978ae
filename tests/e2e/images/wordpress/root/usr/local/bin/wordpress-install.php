<?php
// Create the tables and the first user when the database is still empty.
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = 'localhost';
require '/usr/share/wordpress/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
add_filter('pre_wp_mail', '__return_true');
if (!is_blog_installed()) {
	$title = getenv('WORDPRESS_TITLE') ?: 'WordPress';
	wp_install($title, 'admin', 'admin@example.com', true, '', getenv('WORDPRESS_ADMIN_PASSWORD') ?: 'admin');
	echo "wordpress: installed\n";
}
